package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// volumePath is the address of a volume.
func volumePath(volume string) string { return "/api/v1/volumes/" + url.PathEscape(volume) }

// volumeFile is the address of a file or a folder in a volume.
func volumeFile(volume, place string) string {
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(place, "/"), "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return volumePath(volume) + "/files/" + strings.Join(parts, "/")
}

// openVolume is for a command whose words are those of a volume and of files.
func (p *program) openVolume(name string, args []string, least, most int) ([]string, *client, error) {
	flags := newFlags(name)
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return nil, nil, err
	}
	if len(words) < least || len(words) > most {
		return nil, nil, p.wrongWords()
	}
	api, err := p.openClient(line)
	return words, api, err
}

func runVolumeList(ctx context.Context, p *program, args []string) error {
	words, api, err := p.openVolume("volumes ls", args, 1, 2)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	place := strings.Join(words[1:], "")
	var answer struct {
		Entries []struct {
			Name, Kind string
			Size       int64
			Modified   string
		}
		More bool
	}
	if err := api.find(ctx, volumeFile(words[0], place), &answer); err != nil {
		return err
	}
	if answer.More {
		_, _ = fmt.Fprintln(p.stderr, "There are more, which are not listed.")
	}
	return row{get: true, list: "entries", columns: "name kind size modified"}.show(ctx, p, api, api.last)
}

// runVolumeGet copies a file out. One that is here already is not overwritten.
func runVolumeGet(ctx context.Context, p *program, args []string) error {
	words, api, err := p.openVolume("volumes get", args, 2, 3)
	if err != nil {
		return err
	}
	if len(words) == 2 || words[2] == "-" {
		return api.copyTo(ctx, volumeFile(words[0], words[1]), p.stdout)
	}
	return api.copyToFile(ctx, volumeFile(words[0], words[1]), words[2])
}

// runVolumePut copies a file in. A path that ends in a slash is a folder.
func runVolumePut(ctx context.Context, p *program, args []string) error {
	words, api, err := p.openVolume("volumes put", args, 3, 3)
	if err != nil {
		return err
	}
	file, info, err := openRegular(words[1])
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	place := words[2]
	if strings.HasSuffix(place, "/") {
		place = path.Join(place, info.Name())
	}
	return api.putFile(ctx, volumeFile(words[0], place), "application/octet-stream", file, info.Size())
}

// runVolumePutTar unpacks a tar into a volume. What comes over standard input is sent once.
func runVolumePutTar(ctx context.Context, p *program, args []string) error {
	flags := newFlags("volumes put-tar")
	line := p.addLineFlags(flags)
	replace := flags.Bool("replace", false, "let the tar replace all that the volume holds")
	merge := flags.Bool("merge", false, "let the tar replace what it names, and keep the rest")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 2 {
		return p.wrongWords()
	}
	address := volumePath(words[0]) + "/tar"
	switch {
	case *replace && *merge:
		return &usageError{errors.New("--replace and --merge exclude each other")}
	case *replace:
		address += "?way=replace"
	case *merge:
		address += "?way=merge"
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	if words[1] == "-" {
		return api.put(ctx, address, tarMedia, p.stdin, -1)
	}
	file, info, err := openRegular(words[1])
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return api.putFile(ctx, address, tarMedia, file, info.Size())
}

const tarMedia = "application/x-tar"

func openRegular(name string) (*os.File, os.FileInfo, error) {
	file, err := os.Open(name) //nolint:gosec // the person who runs the program names the file
	if err != nil {
		return nil, nil, &usageError{err}
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &usageError{fmt.Errorf("%s is no file", name)}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// putFile is put of a file, which is sent again where the server says that it is busy.
func (c *client) putFile(ctx context.Context, address, media string, file *os.File, size int64) error {
	return c.patiently(ctx, func() error {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return c.put(ctx, address, media, io.LimitReader(file, size), size)
	})
}

// put sends a body of size bytes; -1 is not known.
func (c *client) put(ctx context.Context, address, media string, body io.Reader, size int64) error {
	response, err := c.send(ctx, http.MethodPut, address, func(request *http.Request) {
		request.Body, request.ContentLength = io.NopCloser(body), size
		request.Header.Set("Content-Type", media)
	})
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// runVolumeRemove removes a file, or a folder with all that is in it.
func runVolumeRemove(ctx context.Context, p *program, args []string) error {
	words, api, err := p.openVolume("volumes rm", args, 2, 2)
	if err != nil {
		return err
	}
	_, err = api.ask(ctx, http.MethodDelete, volumeFile(words[0], words[1]), nil)
	return err
}
