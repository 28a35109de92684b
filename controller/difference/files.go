package difference

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"berth/controller/app"
	"berth/controller/archive"
)

// MostFiles is how many files a difference lists. It counts the others.
const MostFiles = 300

// Files is how the archives of two releases differ.
type Files struct {
	Compared                bool   // false: Note says why not
	Note                    string // a whole sentence
	Added, Removed, Changed int
	List                    []File          // by path, at most MostFiles
	Texts                   map[string]Text // of the listed files, by path; nil if nobody asked for lines
}

// File is a file or a symbolic link that differs.
type File struct {
	Path     string // as it is in the archive
	Kind     Kind
	From, To int64 // bytes; 0 if there is no file
}

// None reports whether no file differs, as far as files were compared.
func (f Files) None() bool { return f.Added+f.Removed+f.Changed == 0 }

// Left is how many files that differ are not in the list.
func (f Files) Left() int { return f.Added + f.Removed + f.Changed - len(f.List) }

// compareFiles compares the archives. What keeps it from that is a note, so that the rest
// of the difference is shown.
func compareFiles(ctx context.Context, from, to Side) (Files, error) {
	files, err := readFiles(ctx, from, to)
	if errors.Is(err, context.DeadlineExceeded) {
		return Files{Note: "The archives are too large to be compared here. Download both, and compare them on your own machine."}, nil
	}
	if refusal, ok := errors.AsType[*archive.Refusal](err); ok {
		return Files{Note: "The archives cannot be compared: " + refusal.Error()}, nil
	}
	return files, err
}

// readFiles reads the archives only if their hashes differ.
func readFiles(ctx context.Context, from, to Side) (Files, error) {
	for _, side := range []Side{from, to} {
		if reference := side.Release.Reference; reference != "" {
			return Files{Note: fmt.Sprintf("r%d was made from the image %s and has no archive.", side.Release.Number, reference)}, nil
		}
	}
	if sum := to.Release.ArchiveSHA256; sum != "" && sum == from.Release.ArchiveSHA256 {
		return Files{Compared: true}, nil
	}
	before, err := from.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return notKept(from.Release), nil
	}
	if err != nil {
		return Files{}, fmt.Errorf("open archive of %s: %w", from.Release.ReleaseID, err)
	}
	defer before.Close()
	after, err := to.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return notKept(to.Release), nil
	}
	if err != nil {
		return Files{}, fmt.Errorf("open archive of %s: %w", to.Release.ReleaseID, err)
	}
	defer after.Close()
	files, err := compareTrees(ctx, before, after)
	if err == nil && from.Hide != nil && to.Hide != nil {
		err = files.addLines(ctx, before, after, func(text string) string { return to.Hide(from.Hide(text)) })
	}
	return files, err
}

func notKept(release app.Release) Files {
	return Files{Note: fmt.Sprintf("The archive of r%d is no longer kept, so its files cannot be compared.", release.Number)}
}

// compareTrees hashes only files that could be the same: those with one path and size.
func compareTrees(ctx context.Context, before, after *archive.Tree) (Files, error) {
	was, now := filesOf(before), filesOf(after)
	changes := compare(was, now)
	suspects := make(map[string]bool)
	for path, entry := range now {
		if was[path] == entry && entry.Kind == archive.File && entry.Size > 0 {
			suspects[path] = true
		}
	}
	sums, err := sumsOf(ctx, before, suspects)
	if err != nil {
		return Files{}, err
	}
	others, err := sumsOf(ctx, after, suspects)
	if err != nil {
		return Files{}, err
	}
	changes = append(changes, compare(sums, others)...)
	slices.SortFunc(changes, func(a, b change[string]) int { return cmp.Compare(a.key, b.key) })
	return listed(changes, was, now), nil
}

// filesOf returns the files and the links, by path.
func filesOf(tree *archive.Tree) map[string]archive.Entry {
	files := make(map[string]archive.Entry)
	for _, entry := range tree.Entries() {
		if entry.Kind != archive.Directory {
			files[entry.Path] = entry
		}
	}
	return files
}

// listed counts the changes, and lists the first of them.
func listed(changes []change[string], was, now map[string]archive.Entry) Files {
	files := Files{Compared: true}
	for i, change := range changes {
		switch change.kind {
		case Added:
			files.Added++
		case Removed:
			files.Removed++
		case Changed:
			files.Changed++
		}
		if i < MostFiles {
			files.List = append(files.List, File{
				Path: change.key, Kind: change.kind, From: was[change.key].Size, To: now[change.key].Size,
			})
		}
	}
	return files
}

type sum = [sha256.Size]byte

// sumsOf hashes the wanted files as they stream by, so no file is in memory as a whole.
func sumsOf(ctx context.Context, tree *archive.Tree, wanted map[string]bool) (map[string]sum, error) {
	sums := make(map[string]sum, len(wanted))
	if len(wanted) == 0 {
		return sums, nil
	}
	reader, writer := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		writer.CloseWithError(tree.WriteTar(ctx, writer, func(entry archive.Entry) bool { return wanted[entry.Path] }))
	}()
	err := eachSum(reader, func(path string, found sum) {
		if wanted[path] {
			sums[path] = found
		}
	})
	_ = reader.CloseWithError(err)
	<-written // it reads the tree
	return sums, err
}

func eachSum(from io.Reader, each func(path string, found sum)) error {
	in, hash := tar.NewReader(from), sha256.New()
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		hash.Reset()
		if _, err := io.Copy(hash, in); err != nil { //nolint:gosec // an archive.Tree bounds what it writes
			return err
		}
		each(header.Name, sum(hash.Sum(nil)))
	}
}
