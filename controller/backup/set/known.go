package set

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of Known: what the last set is made of, and what was put since.
const (
	knownFile   = "last"
	journalFile = "since"
)

// known finds the object of content that the target has. It lies in a folder of the
// server, because the server cannot read the manifests that it wrote. To lose it costs
// one whole backup, and no data.
type known struct {
	folder  string
	heading string // of which repository, and encrypted to whom
	pieces  map[sum]piece
	journal *os.File
}

// openKnown reads what an earlier run has left, as far as present has the object with its
// size. A run that was cut off goes on with what it has put.
func openKnown(folder, repository, recipients string, present map[string]int64) (*known, error) {
	words := strings.Fields(recipients)
	slices.Sort(words)
	heading := fmt.Sprintf("%s %x\n", repository, sha256.Sum256([]byte(strings.Join(words, " "))))
	k := &known{folder: folder, heading: heading, pieces: make(map[sum]piece)}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	for _, name := range []string{knownFile, journalFile} {
		if err := k.load(name, present); err != nil {
			return nil, err
		}
	}
	// What is known now begins the new journal, so that a second interruption loses nothing.
	var err error
	if k.journal, err = k.create(journalFile); err != nil {
		return nil, err
	}
	if err := k.writeAll(); err != nil {
		return nil, errors.Join(err, k.journal.Close())
	}
	return k, nil
}

// load leaves a file of another repository alone, and the rest of a file after a line
// that was cut off.
func (k *known) load(name string, present map[string]int64) error {
	file, err := os.Open(filepath.Join(k.folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	if !lines.Scan() || lines.Text()+"\n" != k.heading {
		return nil
	}
	for lines.Scan() {
		one, err := parsePiece(lines.Text())
		if err != nil {
			break
		}
		if size, there := present[one.object]; there && size == int64(one.sealed) {
			k.pieces[one.plain] = one
		}
	}
	return lines.Err()
}

func (k *known) create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(k.folder, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

func (k *known) writeAll() error {
	out := bufio.NewWriter(k.journal)
	_, err := out.WriteString(k.heading)
	for _, one := range k.pieces {
		if err == nil {
			_, err = out.WriteString(one.line())
		}
	}
	return errors.Join(err, out.Flush())
}

// note keeps that the target has a piece.
func (k *known) note(one piece) error {
	_, err := k.journal.WriteString(one.line())
	return err
}

// close ends the journal. After a whole set, only what that set is made of stays known.
func (k *known) close(whole bool, m Manifest) error {
	if !whole {
		return k.journal.Close()
	}
	err := k.journal.Close()
	last, createErr := k.create(knownFile + ".new")
	if createErr != nil {
		return errors.Join(err, createErr)
	}
	out := bufio.NewWriter(last)
	_, writeErr := out.WriteString(k.heading)
	for _, part := range m.Parts {
		for _, one := range part.pieces {
			_, _ = out.WriteString(one.line()) // Flush has the error
		}
	}
	err = errors.Join(err, writeErr, out.Flush(), last.Sync(), last.Close())
	if err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(k.folder, name) }
	return errors.Join(os.Rename(at(knownFile+".new"), at(knownFile)), os.Remove(at(journalFile)))
}
