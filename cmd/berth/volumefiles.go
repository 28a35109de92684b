package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// volumeFile is the address of a file or a folder in a volume.
func volumeFile(volume, place string) string {
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(place, "/"), "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return "/api/v1/volumes/" + url.PathEscape(volume) + "/files/" + strings.Join(parts, "/")
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
	file, err := os.Open(words[1]) //nolint:gosec // the person who runs the program names the file
	if err != nil {
		return &usageError{err}
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &usageError{fmt.Errorf("%s is no file", words[1])}
	}
	place := words[2]
	if strings.HasSuffix(place, "/") {
		place = path.Join(place, info.Name())
	}
	return api.patiently(ctx, func() error {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		response, err := api.send(ctx, http.MethodPut, volumeFile(words[0], place), func(request *http.Request) {
			request.Body, request.ContentLength = io.NopCloser(io.LimitReader(file, info.Size())), info.Size()
			request.Header.Set("Content-Type", "application/octet-stream")
		})
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
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
