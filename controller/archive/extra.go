package archive

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Extra is a file in a build context beside the archive's files. It is trusted: its path
// comes from the program, never from an archive. Its content is a file of this machine if
// File is set, otherwise Text.
type Extra struct {
	Path string // slash-separated, relative, clean
	Text string
	File string // path on this machine, of an executable
}

// Layout describes the content of a build context.
type Layout struct {
	Folder string           // the archive's folder that becomes the top; empty means the archive's top
	Keep   func(Entry) bool // chooses entries by their path in Folder; nil keeps all
	Below  string           // the folder for the archive's entries in the context; empty means the top
	Extras []Extra          // no kept entry may have the same path
}

// keeps reports whether an entry is sent.
func (l Layout) keeps(e Entry) bool {
	if l.Folder != "" {
		path, inside := strings.CutPrefix(e.Path, l.Folder+"/")
		if !inside {
			return false
		}
		e.Path = path
	}
	return !l.replaced(e.Path) && (l.Keep == nil || l.Keep(e))
}

// replaced reports whether an entry has the path of an extra file or of its folder: a
// link there could lead the extra file elsewhere.
func (l Layout) replaced(path string) bool {
	for _, extra := range l.Extras {
		if top, _, _ := strings.Cut(extra.Path, "/"); l.Below == "" && (path == top || strings.HasPrefix(path, top+"/")) {
			return true
		}
	}
	return false
}

// place is the path of an archive's entry in the context.
func (l Layout) place(path string) string {
	if l.Folder != "" {
		path = strings.TrimPrefix(path, l.Folder+"/")
	}
	if l.Below != "" {
		path = l.Below + "/" + path
	}
	return path
}

// writeExtras writes the extra files, and the folders for all later files.
func writeExtras(out headerWriter, layout Layout) error {
	folders := map[string]bool{}
	if layout.Below != "" {
		if err := writeFolders(out, layout.Below, folders); err != nil {
			return err
		}
	}
	for _, extra := range layout.Extras {
		if err := writeFolders(out, parent(extra.Path), folders); err != nil {
			return err
		}
		if err := extra.write(out); err != nil {
			return fmt.Errorf("add %s to the build context: %w", extra.Path, err)
		}
	}
	return nil
}

// writeFolders writes a folder and the folders above it, each once.
func writeFolders(out headerWriter, folder string, written map[string]bool) error {
	path := ""
	for part := range strings.SplitSeq(folder, "/") {
		path = strings.TrimPrefix(path+"/"+part, "/")
		if path == "" || written[path] {
			continue
		}
		written[path] = true
		if err := out.WriteHeader(folderHeader(path)); err != nil {
			return fmt.Errorf("write tar: %w", err)
		}
	}
	return nil
}

// folderHeader describes a folder that is not in the archive.
func folderHeader(path string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: int64(modeExecutable), ModTime: time.Unix(0, 0)}
}

// write sends one extra file.
func (e Extra) write(out headerWriter) error {
	header, err := e.header()
	if err != nil {
		return err
	}
	content, err := e.open()
	if err != nil {
		return err
	}
	defer content.Close()
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.CopyN(out, content, header.Size)
	return err
}

// header describes the extra file. Its time is constant, so that images differ only if
// the content differs. It returns a header also beside an error.
func (e Extra) header() (*tar.Header, error) {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: e.Path, Mode: int64(modePlain), Size: int64(len(e.Text)), ModTime: time.Unix(0, 0),
	}
	if e.File == "" {
		return header, nil
	}
	header.Mode = int64(modeExecutable)
	info, err := os.Stat(e.File)
	if err == nil {
		header.Size = info.Size()
	}
	return header, err
}

func (e Extra) open() (io.ReadCloser, error) {
	if e.File == "" {
		return io.NopCloser(strings.NewReader(e.Text)), nil
	}
	return os.Open(e.File)
}
