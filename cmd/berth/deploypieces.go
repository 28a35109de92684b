package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"berth/controller/app"
	"berth/controller/pieces"
	"berth/controller/problem"
)

// fieldBase is the field of the form that names the release whose archive the server builds
// on.
const fieldBase = "base"

// leastForPieces is the size of an archive from which on it is asked what of it is missing.
const leastForPieces = 1 << 20

// difference is what is sent of an archive in place of all of it.
type difference struct {
	base  int64 // the release whose archive the server builds on
	file  *os.File
	bytes int64
}

// findDifference asks what the server lacks of the archive, where its app runs a release.
// Nil is for sending all of it: of what is small, and where the server has no archive or does
// not know of pieces.
func (c *client) findDifference(ctx context.Context, name app.Name, release int64, u *upload) (*difference, error) {
	if release == 0 || u.file == nil || u.bytes < leastForPieces {
		return nil, nil //nolint:nilnil // see above
	}
	sums, err := pieces.List(u.content())
	if err != nil || len(sums) > pieces.Most {
		return nil, err
	}
	path := releasePath(app.ReleaseID{App: name, Number: release}) + "/archive/missing"
	text, err := c.ask(ctx, http.MethodPost, path, map[string]any{"pieces": sums})
	if kind := problem.KindOf(err); kind == problem.KindNotFound || kind == problem.KindTooLarge {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, err
	}
	var answer struct{ Missing []pieces.Sum }
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("read what is missing: %w", err)
	}
	made, err := packDifference(u, answer.Missing)
	if err != nil {
		return nil, err
	}
	made.base = release
	if made.bytes >= u.bytes {
		return nil, made.file.Close()
	}
	_, _ = fmt.Fprintf(c.notes, "Sending %s of %s: the server has the rest.\n", megabytes(made.bytes), megabytes(u.bytes))
	return made, nil
}

func packDifference(u *upload, missing []pieces.Sum) (*difference, error) {
	file, err := makeUnnamed()
	if err != nil {
		return nil, err
	}
	err = pieces.Write(file, u.content(), missing)
	size, seekErr := file.Seek(0, io.SeekCurrent)
	if err = errors.Join(err, seekErr); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &difference{file: file, bytes: size}, nil
}

// makeUnnamed makes a file that has no name any more once it is open, so that nothing is
// left behind however the program ends.
func makeUnnamed() (*os.File, error) {
	file, err := os.CreateTemp("", "berth-deploy-*")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	_ = os.Remove(file.Name())
	return file, nil
}

func megabytes(bytes int64) string {
	const megabyte = 1 << 20
	return fmt.Sprintf("%.1f MB", float64(bytes)/megabyte)
}

// update sends the next release of an app: of its archive what the server lacks, or all of
// it where the server has lost meanwhile what that builds on.
func (p *program) update(ctx context.Context, api *client, wish deployWish, found appAnswer, u *upload) (releaseAnswer, error) {
	sent, err := api.findDifference(ctx, wish.name, found.Release, u)
	if err != nil {
		return releaseAnswer{}, err
	}
	if sent == nil {
		return api.updateApp(ctx, wish, u)
	}
	defer func() { _ = sent.file.Close() }()
	part := *u
	part.difference, part.progress = sent, newProgress(p.stderr, sent.bytes)
	release, err := api.updateApp(ctx, wish, &part)
	if refused, ok := errors.AsType[*problem.Problem](err); !ok || refused.Field != fieldBase {
		return release, err
	}
	_, _ = fmt.Fprintln(p.stderr, "The server does not have the rest any more. Sending all of it.")
	return api.updateApp(ctx, wish, u)
}
