// Package sources opens the archives that releases were built from, to download and to
// compare them.
package sources

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/difference"
	"berth/controller/environment"
	"berth/controller/pieces"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
)

const (
	readAtOnce  = 2           // comparisons and uploads that build on archives; the others wait
	compareTime = time.Minute // for the archives of one comparison
)

// uploadsFolder holds the archives, in the data folder.
const uploadsFolder = "uploads"

// Ledger tells what variables a release runs with.
type Ledger interface {
	FindEnvironmentOf(context.Context, app.ReleaseID) ([]app.Variable, error)
}

// Sources opens the archives of releases. It is safe for concurrent use.
type Sources struct {
	ledger  Ledger
	key     secret.Key
	folder  string
	reading chan struct{}
}

// New returns the Sources of a server. The key opens the files that releases keep sealed.
func New(ledger Ledger, dataFolder string, key secret.Key) *Sources {
	return &Sources{
		ledger: ledger, key: key, folder: filepath.Join(dataFolder, uploadsFolder),
		reading: make(chan struct{}, readAtOnce),
	}
}

// Archive is the file that a release was built from, byte by byte as it was received.
type Archive struct {
	io.ReadCloser
	Name  string // for a file of the person who downloads it
	Bytes int64

	file *os.File
}

// Archive opens the archive of a release. A release that has none, or whose archive is no
// longer kept, is a Problem of problem.KindNotFound.
func (s *Sources) Archive(release app.Release) (*Archive, error) {
	if release.Reference != "" {
		return nil, problem.NotFound(
			fmt.Sprintf("r%d was made from the image %s and has no archive.", release.Number, release.Reference),
			"Pull the image from its registry.",
		)
	}
	file, err := s.open(release)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.NotFound(
			fmt.Sprintf("The archive of r%d is no longer kept.", release.Number),
			"Berth keeps the archives of the live release, of those that you can roll back to, and of the last one that failed. Download one of those.",
		).Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("open archive of %s: %w", release.ReleaseID, err)
	}
	opened, err := describe(file, release)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read archive of %s: %w", release.ReleaseID, err), file.Close())
	}
	return opened, nil
}

// Base is the archive of a release, for an upload that builds on it.
type Base struct {
	*pieces.Base
	io.Closer
}

// Base opens the archive of a release for an upload that builds on it. It fails as Archive
// does. The caller closes it.
func (s *Sources) Base(ctx context.Context, release app.Release) (*Base, error) {
	opened, err := s.Archive(release)
	if err != nil {
		return nil, err
	}
	done, err := s.take(ctx)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	defer done()
	base, err := pieces.NewBase(opened.file, opened.Bytes)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read archive of %s: %w", release.ReleaseID, err), opened.Close())
	}
	return &Base{base, opened}, nil
}

// take waits until few enough archives are read. The caller calls done.
func (s *Sources) take(ctx context.Context) (done func(), err error) {
	select {
	case s.reading <- struct{}{}:
		return func() { <-s.reading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Sources) open(release app.Release) (*os.File, error) {
	if release.Archive == "" {
		return nil, fs.ErrNotExist
	}
	return os.OpenInRoot(s.folder, release.Archive)
}

func describe(file *os.File, release app.Release) (*Archive, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, 8)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &Archive{ReadCloser: file, file: file, Name: fileName(release, string(head[:n])), Bytes: info.Size()}, nil
}

// format is what tells an archive's name from its content.
type format struct {
	magic string
	ends  []string // the usual one first
}

// formats are the ends of names of archives, by the first bytes of the file. The last one
// is that of any other file.
var formats = []format{
	{"PK", []string{".zip"}},
	{"\x1f\x8b", []string{".tar.gz", ".tgz"}},
	{"\xfd7zXZ", []string{".tar.xz", ".txz"}},
	{"\x28\xb5\x2f\xfd", []string{".tar.zst", ".tzst"}},
	{"", []string{".tar"}},
}

// fileName is the person's own name of the archive if it fits the content, because Berth
// also packs pasted files and pushes under their names.
func fileName(release app.Release, head string) string {
	at := slices.IndexFunc(formats, func(f format) bool { return strings.HasPrefix(head, f.magic) })
	ends, own := formats[at].ends, filepath.Base(filepath.ToSlash(release.ArchiveName))
	if slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(strings.ToLower(own), end) }) {
		return own
	}
	return fmt.Sprintf("%s-r%d%s", release.App, release.Number, ends[0])
}

// Compare says how a release differs from another one of its app. No more than a few
// comparisons run at once.
func (s *Sources) Compare(ctx context.Context, from, to app.Release) (difference.Difference, error) {
	return s.compare(ctx, from, to, func(difference.Side) (func(string) string, error) { return nil, nil })
}

// CompareLines is Compare, with the lines of the files that differ. They are a part of the
// archives, and only for those who may have these. The secrets of both releases are masked;
// if one cannot be opened, a note says that no lines are shown.
func (s *Sources) CompareLines(ctx context.Context, from, to app.Release) (difference.Difference, error) {
	found, err := s.compare(ctx, from, to, s.hide)
	if errors.Is(err, errMask) {
		found, err = s.Compare(ctx, from, to)
		found.Notes = append(found.Notes, "The lines of files are not shown, because a secret that may be in them cannot be opened and hidden.")
	}
	return found, err
}

// errMask says that there is no mask for the secrets of a release.
var errMask = errors.New("no mask")

// hide returns what masks the secrets of a release.
func (s *Sources) hide(side difference.Side) (func(string) string, error) {
	opened, err := environment.Open(s.key, side.Release.App, side.Variables)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMask, err)
	}
	specs := make([]plan.Service, 0, len(side.Release.Services))
	for _, run := range side.Release.Services {
		specs = append(specs, run.Spec)
	}
	return opened.MaskWith(specs).Apply, nil
}

func (s *Sources) compare(ctx context.Context, from, to app.Release, hide func(difference.Side) (func(string) string, error)) (difference.Difference, error) {
	var sides [2]difference.Side
	for i, release := range []app.Release{from, to} {
		side, err := s.side(ctx, release)
		if err != nil {
			return difference.Difference{}, err
		}
		if side.Hide, err = hide(side); err != nil {
			return difference.Difference{}, err
		}
		sides[i] = side
	}
	done, err := s.take(ctx)
	if err != nil {
		return difference.Difference{}, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	found, err := difference.Between(ctx, sides[0], sides[1])
	if err != nil {
		return difference.Difference{}, fmt.Errorf("compare %s with r%d: %w", to.ReleaseID, from.Number, err)
	}
	return found, nil
}

// side opens the files that the services of a release keep sealed: two seals of one
// content differ.
func (s *Sources) side(ctx context.Context, release app.Release) (difference.Side, error) {
	variables, err := s.ledger.FindEnvironmentOf(ctx, release.ReleaseID)
	if err != nil {
		return difference.Side{}, err
	}
	release.Services = slices.Clone(release.Services)
	for i := range release.Services {
		run := &release.Services[i]
		if run.Spec, err = environment.UnsealFiles(s.key, release.App, run.Spec); err != nil {
			return difference.Side{}, err
		}
	}
	return difference.Side{Release: release, Variables: variables, Open: func() (*archive.Tree, error) {
		if release.Archive == "" {
			return nil, fs.ErrNotExist
		}
		return archive.OpenApp(filepath.Join(s.folder, release.Archive), archive.DefaultLimits())
	}}, nil
}
