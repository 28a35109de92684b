package foreign

import (
	"archive/tar"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
)

// rewriting makes the engine's tar one that a volume can take: a further name of a file
// becomes a file, and what is neither file, folder nor link is left out.
type rewriting struct {
	again func(name string) (io.ReadCloser, error) // reads a file once more
	root  int                                      // who gets what belongs to root; 0 keeps it
}

func (r rewriting) tar(from io.Reader, to io.Writer) error {
	in, out := tar.NewReader(from), tar.NewWriter(to)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return fmt.Errorf("read the engine's tar: %w", err)
		}
		if header.Name == "." {
			header.Name = "./"
		}
		switch header.Typeflag {
		case tar.TypeReg, tar.TypeDir, tar.TypeSymlink:
			err = r.write(out, header, in)
		case tar.TypeLink:
			err = r.writeLinked(out, header)
		default: // a pipe or a device, which holds no data
		}
		if err != nil {
			return err
		}
	}
}

func (r rewriting) write(out *tar.Writer, header *tar.Header, content io.Reader) error {
	if header.Uid == 0 && r.root != 0 {
		header.Uid, header.Gid, header.Uname, header.Gname = r.root, r.root, "", ""
	}
	if err := out.WriteHeader(header); err != nil {
		return fmt.Errorf("write %q: %w", header.Name, err)
	}
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	if _, err := io.Copy(out, content); err != nil {
		return fmt.Errorf("copy %q: %w", header.Name, err)
	}
	return nil
}

// writeLinked writes the file that a hard link names, under the link's own name.
func (r rewriting) writeLinked(out *tar.Writer, link *tar.Header) error {
	stream, err := r.again(strings.TrimPrefix(link.Linkname, "./"))
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	in := tar.NewReader(stream)
	header, err := in.Next()
	if err != nil {
		return fmt.Errorf("read %q again: %w", link.Linkname, err)
	}
	header.Name = link.Name
	return r.write(out, header, in)
}

func randomText() string { return strings.ToLower(rand.Text()[:10]) }
