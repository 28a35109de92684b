package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"berth/controller/plan"
)

func TestFiles_ThatFillAVolumeBelongToTheServiceWithTheirFolders(t *testing.T) {
	files, folders := intoVolumes([]plan.File{
		{Path: "/etc/app/app.conf", Mode: 0o444},
		{Path: "/data/in/a/rows.csv", Mode: 0o444},
		{Path: "/data/in/run", Mode: 0o555},
		{Path: "/fixed/x", Mode: 0o444},
	}, []plan.Mount{{Volume: "rows", Target: "/data/in"}, {Volume: "fixed", Target: "/fixed", ReadOnly: true}})
	text, err := tarOfFiles(files, folders, "1000:1001", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for in := tar.NewReader(bytes.NewReader(text)); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %o %d:%d", header.Name, header.Mode, header.Uid, header.Gid))
	}
	want := []string{
		"data/in/ 755 1000:1001", "data/in/a/ 755 1000:1001", "etc/app/app.conf 444 1000:1001",
		"data/in/a/rows.csv 644 1000:1001", "data/in/run 755 1000:1001", "fixed/x 444 1000:1001",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFiles_ALinkLeadsToTheFileInMemory(t *testing.T) {
	text, err := tarOfFiles([]plan.File{{Path: "/etc/app.ini", Link: "/run/secrets/app.ini", Mode: 0o444}}, nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	header, err := tar.NewReader(bytes.NewReader(text)).Next()
	if err != nil || header.Typeflag != tar.TypeSymlink || header.Name != "etc/app.ini" || header.Linkname != "/run/secrets/app.ini" || header.Size != 0 {
		t.Errorf("got %+v %v", header, err)
	}
}
