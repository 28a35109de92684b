//go:build integration

package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"berth/test/stack"
)

// windowsZIP is an archive as programs for Windows write it: the creator's system is DOS, and
// names are bytes of the code page 437.
func windowsZIP(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: files[i], Method: zip.Deflate, NonUTF8: true, CreatorVersion: 20})
		if err == nil {
			_, err = io.WriteString(entry, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// foreignTar is a tar.gz of the test app that also holds a name which only a PAX header can say.
func foreignTar(t *testing.T) []byte {
	t.Helper()
	files, err := berth.AppFiles("", "v1")
	if err != nil {
		t.Fatal(err)
	}
	files["Übungen/x.txt"] = []byte("x")
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	w := tar.NewWriter(packed)
	for name, content := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimSuffix(name, "*"), Mode: 0o755, Size: int64(len(content))}
		err := w.WriteHeader(header)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestArchives_OfOtherSystemsAreServedAsTheyWereMeant builds and asks for what earlier broke: a
// name that is not ASCII, names of Windows, and links that need the final slash of a route.
func TestArchives_OfOtherSystemsAreServedAsTheyWereMeant(t *testing.T) {
	o := newOperator(t)
	const page, style = "<!doctype html><link rel=stylesheet href=style.css><p>red when right", "p{color:red}"
	relative, err := stack.Zip(map[string][]byte{"index.html": []byte(page), "style.css": []byte(style)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file string
		archive    []byte
		path, says string
	}{
		{"foreign-tar", "app.tar.gz", foreignTar(t), "/", "testapp v1"},
		{"explorer", "site.zip", windowsZIP(t, "index.html", "hi", "gr\x94\xe1e.html", "one size"), "/gr%C3%B6%C3%9Fe.html", "one size"},
		{"powershell", "site.zip", windowsZIP(t, "index.html", "hi", `assets\app.js`, "start()"), "/assets/app.js", "start()"},
		{"relative", "site.zip", relative, "/style.css", style},
	} {
		t.Cleanup(func() { o.remove(c.name) })
		if status, body := o.send(c.name, "/"+c.name, c.file, c.archive); status != http.StatusSeeOther {
			t.Errorf("%s: upload: %d %s", c.name, status, body)
			continue
		}
		if release := o.wait(c.name); release.State != "live" {
			t.Errorf("%s: release is %+v", c.name, release)
			continue
		}
		if status, body := visit(t, "/"+c.name+c.path); status != http.StatusOK || !strings.Contains(body, c.says) {
			t.Errorf("%s: %s answers %d %q", c.name, c.path, status, body)
		}
	}
	mustRedirect(t, "/relative", "/relative/")
	mustRedirect(t, "/relative?a=b", "/relative/?a=b")
}

// mustRedirect: a page whose links are relative is right below its own folder alone.
func mustRedirect(t *testing.T, from, to string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(berth.Apps + from)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusPermanentRedirect || !strings.HasSuffix(answer.Header.Get("Location"), to) {
		t.Errorf("%s: got %d to %q, want 308 to %s", from, answer.StatusCode, answer.Header.Get("Location"), to)
	}
}

// TestArchives_AnEntrypointWithLineEndsOfWindowsIsNamedWithItsMend is the shape that fails most
// often after an edit on Windows. The variables on the form may be empty.
func TestArchives_AnEntrypointWithLineEndsOfWindowsIsNamedWithItsMend(t *testing.T) {
	o := newOperator(t)
	archive, err := stack.Zip(map[string][]byte{
		"Dockerfile":    []byte("FROM python:3.11-slim\nCOPY --chmod=755 entrypoint.sh /entrypoint.sh\nEXPOSE 8000\nENTRYPOINT [\"/entrypoint.sh\"]\n"),
		"entrypoint.sh": []byte("#!/bin/sh\r\nexec python3 -m http.server 8000 -d /tmp\r\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.form("/upload", archive, "name=crlf", "route=/crlf", "environment=MAIL_HOST=mail.example.com\nMAIL_PASSWORD=\n", "environment_plain=1"); status != http.StatusSeeOther {
		t.Fatalf("upload: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("crlf") })
	release := o.wait("crlf")
	if release.State != "failed" || !strings.Contains(release.Reason, "/entrypoint.sh has the line ends of Windows (CRLF)") || !strings.Contains(release.Hint, `sed -i 's/\r$//' /entrypoint.sh`) {
		t.Errorf("release is %+v", release)
	}
	var kept struct{ Variables map[string]string }
	if _, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps/crlf/environment", &kept); err != nil {
		t.Fatal(err)
	}
	if password, found := kept.Variables["MAIL_PASSWORD"]; !found || password != "" || kept.Variables["MAIL_HOST"] != "mail.example.com" {
		t.Errorf("its variables are %q", kept.Variables)
	}
}
