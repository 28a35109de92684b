package router

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"

	"berth/controller/problem"
	"berth/controller/volume"
)

// mostFiles bounds the files of one upload to a volume.
const mostFiles = 10_000

// filesUpload reads a multipart form of several files while it comes in, in
// order and without holding one.
type filesUpload struct {
	// Check sees the small fields once, before the first file.
	Check func(fields map[string]string) error
	// Take gets each file. What it does not read is dropped.
	Take func(path volume.Path, from io.Reader) error
}

// read reads the form to its end, or to the first error, and returns how many
// files were taken.
func (u filesUpload) read(parts *multipart.Reader) (files int, err error) {
	form := &upload{fields: make(map[string]string)}
	checked := false
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return files, err
		}
		path, isFile, err := filePath(part)
		switch {
		case err != nil:
			return files, err
		case isFile && path == "": // a field for files that was left empty
			continue
		case !isFile && checked:
			return files, outOfOrder(part.FormName())
		case !isFile:
			if err := form.readField(part); err != nil {
				return files, err
			}
			continue
		}
		if !checked {
			checked = true
			if err := u.Check(form.fields); err != nil {
				return files, err
			}
		}
		if files++; files > mostFiles {
			return files - 1, tooManyFiles()
		}
		if err := u.Take(path, part); err != nil {
			return files - 1, err
		}
	}
	if !checked {
		return 0, u.Check(form.fields)
	}
	return files, nil
}

// filePath returns where a file is to go; nowhere for a field for files that was
// left empty. Part.FileName would do, but it drops
// the folders that a browser sends when a whole folder is dropped on the page.
func filePath(part *multipart.Part) (path volume.Path, isFile bool, err error) {
	_, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return "", false, notMultipart(err)
	}
	name, isFile := parameters["filename"]
	if !isFile || name == "" {
		return "", isFile, nil
	}
	path, err = volume.ParseNewPath(name)
	return path, true, err
}

func tooManyFiles() error {
	return problem.TooLarge(fmt.Sprintf("There are more than %d files in one upload.", mostFiles), "Send them as a ZIP.")
}
