package archive

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/flate"
)

// Pack writes the files of the folder dir that ignore keeps as a ZIP, in the order of
// their names. It keeps executable bits and symbolic links. It leaves out sockets, which
// have no content. Open may still refuse the result.
func Pack(ctx context.Context, dir string, w io.Writer, ignore *Ignore) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("pack folder: %w", err)
	}
	defer root.Close()
	out := zip.NewWriter(w)
	out.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.DefaultCompression)
	})
	p := packer{ctx: ctx, root: root, out: out, ignore: ignore}
	if err := fs.WalkDir(root.FS(), ".", p.visit); err != nil {
		return fmt.Errorf("pack folder: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("pack folder: %w", err)
	}
	return nil
}

// packer writes a folder into a ZIP during a walk.
type packer struct {
	ctx    context.Context //nolint:containedctx // fs.WalkDir passes none on; lives as long as one Pack
	root   *os.Root
	out    *zip.Writer
	ignore *Ignore
}

func (p packer) visit(path string, found fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if path == "." {
		return nil
	}
	info, err := found.Info()
	if err != nil {
		return err
	}
	kind := info.Mode().Type()
	switch {
	case kind == fs.ModeDir:
		return p.directory(path, info)
	case kind == fs.ModeSocket, !p.ignore.Keep(Entry{Path: path}):
		return nil
	case kind == fs.ModeSymlink:
		return p.link(path, info)
	case kind == 0:
		return p.file(path, info)
	default:
		return refuseKind(path, "a device or a named pipe")
	}
}

func (p packer) directory(path string, info fs.FileInfo) error {
	if !p.ignore.Keep(Entry{Path: path, Kind: Directory}) {
		if p.ignore.prunes(path) {
			return fs.SkipDir
		}
		return nil
	}
	_, err := p.create(path+"/", info, zip.Store)
	return err
}

func (p packer) link(path string, info fs.FileInfo) error {
	target, err := p.root.Readlink(path)
	if err != nil {
		return err
	}
	entry, err := p.create(path, info, zip.Store)
	if err != nil {
		return err
	}
	_, err = io.WriteString(entry, target)
	return err
}

func (p packer) file(path string, info fs.FileInfo) error {
	file, err := p.root.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	entry, err := p.create(path, info, zip.Deflate)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, file)
	return err
}

func (p packer) create(path string, info fs.FileInfo, method uint16) (io.Writer, error) {
	header := &zip.FileHeader{Name: path, Method: method, Modified: info.ModTime()}
	header.SetMode(info.Mode())
	return p.out.CreateHeader(header)
}
