package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"

	"berth/controller/archive"
	"berth/controller/pieces"
	"berth/controller/plan"
	"berth/controller/secret"
)

// upload is an archive on its way to the server, or what stands in its place.
type upload struct {
	image    plan.ImageReference // instead of the file
	compose  secret.Text         // instead of the file: the text of a compose file
	file     *os.File
	name     string // the file name that the server shows
	bytes    int64
	progress *progress

	dockerfile string // path in the archive; empty means the usual one

	difference *difference // is sent in place of the file; nil: the file

	close func() error
}

// openUpload opens an archive, or packs a folder into one, as its .dockerignore says.
func openUpload(ctx context.Context, source string) (*upload, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, &usageError{fmt.Errorf("open %s: %w", source, errors.Unwrap(err))}
	}
	if info.IsDir() {
		return packFolder(ctx, source)
	}
	file, err := os.Open(source)
	if err != nil {
		return nil, &usageError{err}
	}
	return &upload{file: file, name: filepath.Base(source), bytes: info.Size(), close: file.Close}, nil
}

// packFolder packs a folder as its .dockerignore says.
func packFolder(ctx context.Context, folder string) (*upload, error) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	ignore, err := readIgnore(absolute)
	if err != nil {
		return nil, err
	}
	file, err := makeUnnamed()
	if err != nil {
		return nil, err
	}
	err = archive.Pack(ctx, absolute, file, ignore)
	size, seekErr := file.Seek(0, io.SeekCurrent)
	if _, rewindErr := file.Seek(0, io.SeekStart); err != nil || seekErr != nil || rewindErr != nil {
		return nil, errors.Join(err, seekErr, rewindErr, file.Close())
	}
	return &upload{file: file, name: filepath.Base(absolute) + ".zip", bytes: size, close: file.Close}, nil
}

func readIgnore(folder string) (*archive.Ignore, error) {
	text, err := os.ReadFile(filepath.Join(folder, ".dockerignore"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nil is the Ignore that keeps everything
	}
	if err != nil {
		return nil, fmt.Errorf("read .dockerignore: %w", err)
	}
	ignore, err := archive.ParseIgnore(text)
	if err != nil {
		return nil, &usageError{err}
	}
	return ignore, nil
}

// content is the archive from its beginning.
func (u *upload) content() io.Reader { return io.NewSectionReader(u.file, 0, u.bytes) }

// form is the body of the upload: the fields, then the archive, as the server
// reads them. Its length is known, so the server can refuse what is too large
// before a byte of it is sent. It can be asked for again.
func (u *upload) form(fields [][2]string) (body io.Reader, contentType string, length int64, err error) {
	switch {
	case u.image != "":
		return plainForm(append(fields, [2]string{"image", string(u.image)}))
	case u.compose != "":
		return plainForm(append(fields, [2]string{"compose_text", u.compose.Reveal()}))
	}
	if u.dockerfile != "" {
		fields = append(fields, [2]string{"dockerfile", u.dockerfile})
	}
	sent, bytesSent, mediaType := u.content(), u.bytes, "application/octet-stream"
	if d := u.difference; d != nil {
		sent, bytesSent, mediaType = io.NewSectionReader(d.file, 0, d.bytes), d.bytes, pieces.MediaType
		fields = append(fields, [2]string{fieldBase, strconv.FormatInt(d.base, 10)})
	}
	u.progress.sent = 0
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for _, field := range fields {
		err = errors.Join(err, form.WriteField(field[0], field[1]))
	}
	_, partErr := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("archive", u.name)}, "Content-Type": {mediaType},
	})
	head := bytes.Clone(frame.Bytes())
	frame.Reset()
	if err = errors.Join(err, partErr, form.Close()); err != nil {
		return nil, "", 0, fmt.Errorf("encode upload: %w", err)
	}
	length = int64(len(head)) + bytesSent + int64(frame.Len())
	return io.MultiReader(bytes.NewReader(head), io.TeeReader(sent, u.progress), &frame), form.FormDataContentType(), length, nil
}

// plainForm is the form without a file.
func plainForm(fields [][2]string) (body io.Reader, contentType string, length int64, err error) {
	var whole bytes.Buffer
	form := multipart.NewWriter(&whole)
	for _, field := range fields {
		err = errors.Join(err, form.WriteField(field[0], field[1]))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return nil, "", 0, fmt.Errorf("encode upload: %w", err)
	}
	return &whole, form.FormDataContentType(), int64(whole.Len()), nil
}
