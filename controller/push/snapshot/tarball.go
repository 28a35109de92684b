package snapshot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller/push/pack"
)

const (
	fileMode    = 0o644
	programMode = 0o755
)

// Open returns the files as a compressed tar, which is made while it is read. The caller
// calls end before the objects are closed.
func (s *Snapshot) Open(ctx context.Context) (archive io.Reader, end func()) {
	reader, writer := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = writer.CloseWithError(s.write(ctx, writer)) // it never fails
	}()
	return reader, func() {
		_ = reader.Close() // it never fails, and ends the writer
		<-done
	}
}

func (s *Snapshot) write(ctx context.Context, w io.Writer) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, file := range s.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.writeFile(archive, file); err != nil {
			return fmt.Errorf("pack %s: %w", file.path, err)
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func (s *Snapshot) writeFile(archive *tar.Writer, file file) error {
	header := tar.Header{Name: file.path, Typeflag: tar.TypeReg, Mode: fileMode, Size: file.size}
	switch file.mode {
	case pack.ModeLink:
		var target bytes.Buffer
		if err := s.objects.Copy(&target, file.id, pack.Blob); err != nil {
			return err
		}
		header.Typeflag, header.Size, header.Linkname = tar.TypeSymlink, 0, target.String()
		return archive.WriteHeader(&header)
	case pack.ModeProgram:
		header.Mode = programMode
	}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	return s.objects.Copy(archive, file.id, pack.Blob)
}
