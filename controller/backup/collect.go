package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"berth/controller/backup/set"
)

// The names in the tar of the server part.
const (
	dataPrefix = "data/"
	acmePrefix = "acme/"
)

// still is the state of the server at one moment, in a folder of its own.
type still struct {
	folder   string
	archives []string
	auditLog map[string]int64 // how much of each file is of that moment
}

// hold copies the ledger and keeps the archives that it names. What happens meanwhile is
// not in the backup. The caller removes it.
func (b *Backups) hold(ctx context.Context) (*still, error) {
	s := &still{folder: b.folder("still"), auditLog: make(map[string]int64)}
	if err := errors.Join(os.RemoveAll(s.folder), os.MkdirAll(filepath.Join(s.folder, "uploads"), 0o700)); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	// The ledger must know all that the file of the audit log says, so the file is first.
	logs, err := filepath.Glob(filepath.Join(b.o.DataFolder, "audit.log*"))
	if err != nil {
		return nil, err
	}
	for _, name := range logs {
		if info, err := os.Lstat(name); err == nil {
			s.auditLog[filepath.Base(name)] = info.Size()
		}
	}
	// An archive that a release has at the moment of the copy is listed before or after it.
	if err := b.holdArchives(ctx, s); err != nil {
		return nil, err
	}
	if err := b.o.Ledger.CopyTo(ctx, filepath.Join(s.folder, "berth.db")); err != nil {
		return nil, err
	}
	return s, b.holdArchives(ctx, s)
}

func (b *Backups) holdArchives(ctx context.Context, s *still) error {
	names, err := b.o.Ledger.ListArchives(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.Contains(s.archives, name) {
			continue
		}
		err := os.Link(filepath.Join(b.o.DataFolder, "uploads", name), filepath.Join(s.folder, "uploads", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // its release has ended since
		}
		if err != nil {
			return fmt.Errorf("keep archive: %w", err)
		}
		s.archives = append(s.archives, name)
	}
	return nil
}

// writeServer writes the tar of all that a server needs but for its volumes.
func (b *Backups) writeServer(_ context.Context, s *still, to io.Writer) error {
	out := tar.NewWriter(to)
	key := b.o.Key.File()
	err := writeBytes(out, dataPrefix+"secret.key", key)
	clear(key)
	if err == nil {
		err = packFile(out, dataPrefix+"berth.db", filepath.Join(s.folder, "berth.db"), -1)
	}
	for _, name := range s.archives {
		if err == nil {
			err = packFile(out, dataPrefix+"uploads/"+name, filepath.Join(s.folder, "uploads", name), -1)
		}
	}
	for name, size := range s.auditLog {
		if err == nil {
			err = packFile(out, dataPrefix+name, filepath.Join(b.o.DataFolder, name), size)
		}
	}
	for _, folder := range []string{"tls", "logs"} {
		if err == nil {
			err = packFolder(out, dataPrefix+folder, filepath.Join(b.o.DataFolder, folder))
		}
	}
	if err == nil && b.o.ACMEFolder != "" {
		err = packFile(out, acmePrefix+"acme.json", filepath.Join(b.o.ACMEFolder, "acme.json"), -1)
	}
	return errors.Join(err, out.Close())
}

func writeBytes(out *tar.Writer, name string, content []byte) error {
	err := out.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(content))})
	if err == nil {
		_, err = out.Write(content)
	}
	return err
}

// packFolder packs the regular files of a folder, which has no folders.
func packFolder(out *tar.Writer, name, folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if err == nil && entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
			err = packFile(out, path.Join(name, entry.Name()), filepath.Join(folder, entry.Name()), -1)
		}
	}
	return err
}

// packFile packs the first size bytes of a file, or all of it for -1. A missing file is
// left out; one that was cut short meanwhile is filled with zeros, as tar does it.
func packFile(out *tar.Writer, name, from string, size int64) error {
	file, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if size < 0 {
		size = info.Size()
	}
	header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: int64(info.Mode().Perm()), Size: size, ModTime: info.ModTime(), Format: tar.FormatPAX}
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	copied, err := io.CopyN(out, file, size)
	if errors.Is(err, io.EOF) {
		_, err = out.Write(make([]byte, size-copied))
	}
	return err
}

// images lists what runs, and says what another server could not make again.
func (b *Backups) images(ctx context.Context) (all []set.Image, warnings []string, err error) {
	apps, err := b.o.Ledger.ListApps(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, found := range apps {
		if found.Live == 0 {
			continue
		}
		live, err := b.o.Ledger.FindRelease(ctx, releaseOf(found))
		if err != nil {
			return nil, nil, err
		}
		for _, run := range live.Services {
			var volumes []string
			for _, mount := range run.AllMounts(live) {
				volumes = append(volumes, string(mount.Volume))
			}
			all = append(all, set.Image{
				Volumes: volumes,
				App:     string(live.App), Release: live.Number, Service: run.Spec.Name, ID: run.Image,
				Reference: string(live.Reference), Digest: live.Digest, Archive: live.Archive != "",
			})
		}
		if live.Archive == "" && live.Digest == "" {
			warnings = append(warnings, fmt.Sprintf("The archive of %s is not kept, so a restore cannot build it. Deploy %s again.", live.App, live.App))
		}
	}
	return all, warnings, nil
}
