package volume

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"io/fs"
)

// pack answers with the folder as an uncompressed tar: files, folders and
// symbolic links, with their owners. Devices, pipes and sockets are left out.
func (k *keeper) pack(path Path) error {
	folder, err := k.openFolder(path)
	if err != nil {
		return k.answer(answer{}, explain(path, err))
	}
	defer folder.Close()
	if err := k.answer(answer{}, nil); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(k.wire, frameBytes)
	out := tar.NewWriter(buffered)
	err = walk(folder, "", 0, func(at spot) error { return packOne(out, at) })
	if err == nil {
		err = errors.Join(out.Close(), buffered.Flush())
	}
	return k.wire.finish(err)
}

func packOne(out *tar.Writer, at spot) error {
	entry := describe(at.info)
	switch entry.Kind {
	case Folder:
	case Symlink:
		link, err := at.folder.Readlink(at.name)
		if err != nil {
			return skipMissing(err)
		}
		entry.Link = link
	case File:
		return packFile(out, at, Header(Path(at.path), entry))
	default:
		return nil
	}
	return out.WriteHeader(Header(Path(at.path), entry))
}

// Header is the entry of a tar for what is at a path: a file, a folder or a symbolic link.
func Header(path Path, entry Entry) *tar.Header {
	header := &tar.Header{
		Name: string(path), Typeflag: tar.TypeReg, Size: entry.Size, Mode: int64(entry.Mode), ModTime: entry.Modified,
		Uid: entry.Owner.User, Gid: entry.Owner.Group, Format: tar.FormatPAX,
	}
	switch entry.Kind {
	case Folder:
		header.Typeflag, header.Name = tar.TypeDir, string(path)+"/"
	case Symlink:
		header.Typeflag, header.Linkname = tar.TypeSymlink, entry.Link
	}
	return header
}

// packFile writes as many bytes as the file has when it is opened. One that
// shrinks while it is read is filled up with zeros, as any tar does.
func packFile(out *tar.Writer, at spot, header *tar.Header) error {
	file, err := (&keeper{root: at.folder}).openFile(Path(at.name))
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		return nil // it became something else meanwhile
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	copied, err := io.CopyBuffer(onlyWriter{out}, io.LimitReader(file, header.Size), make([]byte, frameBytes))
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, zeros{}, header.Size-copied)
	return err
}

// zeros is an endless stream of them.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(buffer []byte) (int, error) {
	clear(buffer)
	return len(buffer), nil
}

func skipMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
