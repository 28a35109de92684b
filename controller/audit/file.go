package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"berth/controller/pause"
	"berth/controller/problem"
)

const (
	fileMode  fs.FileMode = 0o600
	lockPause             = 2 * time.Millisecond // between two tries to lock
	tail                  = 64 << 10             // bytes; more than a line can have
	batch                 = 500                  // entries read at once
)

// logFile is audit.log: the entries of the ledger as lines, for programs that read files.
// It is only appended to, by the process that holds its lock.
type logFile struct {
	path   string
	chain  chain
	ledger Ledger
	logger *slog.Logger

	size    int64 // the size after this process's last write
	reached int64 // the last entry in the file at that time
}

// lockedFile is the file while this process holds its lock.
type lockedFile struct {
	*logFile
	file    *os.File
	partial []byte // the bytes of an unfinished line
}

// lock opens or creates the file, and locks it.
func (f *logFile) lock(ctx context.Context) (*lockedFile, error) {
	file, err := openLocked(ctx, f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	locked := &lockedFile{logFile: f, file: file}
	if err := locked.narrow(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return locked, nil
}

// openLocked opens the file of that name and locks it. A process that shortens the file
// puts another one in its place, so the name is looked at again under the lock. A link in
// its place would lead the entries, and the mode, elsewhere: none is followed.
func openLocked(ctx context.Context, path string, flags, how int) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW, fileMode)
		if err != nil {
			return nil, fmt.Errorf("open audit file: %w", err)
		}
		if err := lockFile(ctx, file, how); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		mine, err := file.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("inspect audit file: %w", err), file.Close())
		}
		if named, err := os.Lstat(path); err == nil && os.SameFile(mine, named) {
			return file, nil
		}
		if err := errors.Join(file.Close(), ctx.Err()); err != nil {
			return nil, err
		}
	}
}

// lockFile takes a lock that ends with the file or the process.
func lockFile(ctx context.Context, file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if err := pause.For(ctx, lockPause); err != nil {
			return fmt.Errorf("lock audit file: %w", err)
		}
	}
}

func (l *lockedFile) unlock() error { return l.file.Close() }

// narrow removes the rights that a copy or a restore gave to others.
func (l *lockedFile) narrow() error {
	info, err := l.file.Stat()
	if err != nil || info.Mode().Perm() == fileMode {
		return err
	}
	l.logger.Warn("the audit file was open to others", "file", l.path, "mode", info.Mode().Perm().String())
	return l.file.Chmod(fileMode)
}

// find returns the last entry of the ledger that the file holds.
func (l *lockedFile) find(ctx context.Context) (int64, error) {
	info, err := l.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("inspect audit file: %w", err)
	}
	if info.Size() == l.size {
		return l.reached, nil
	}
	l.size = -1
	tail := make([]byte, min(info.Size(), tail))
	if _, err := l.file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return 0, fmt.Errorf("read audit file: %w", err)
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	l.partial = tail[end:]
	if end > 0 {
		begin := bytes.LastIndexByte(tail[:end-1], '\n') + 1
		if sequence, ok, err := l.known(ctx, tail[begin:end]); ok || err != nil {
			return sequence, err
		}
	}
	return l.search(ctx)
}

// search looks for the last line that the ledger knows, if that is not the file's last
// line: a stranger has written, or the ledger was set back.
func (l *lockedFile) search(ctx context.Context) (int64, error) {
	var hashes []Entry // of valid lines, with only the fields that known needs
	lines := bufio.NewReader(io.NewSectionReader(l.file, 0, 1<<62))
	for {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read audit file: %w", err)
		}
		if entry, err := ParseLine(line); err == nil && l.chain.holds(entry) {
			hashes = append(hashes, Entry{Sequence: entry.Sequence, Hash: entry.Hash})
		}
	}
	for i := len(hashes) - 1; i >= 0; i-- {
		if ok, err := l.has(ctx, hashes[i]); ok || err != nil {
			return hashes[i].Sequence, err
		}
	}
	return 0, nil
}

func (l *lockedFile) known(ctx context.Context, line []byte) (int64, bool, error) {
	entry, err := ParseLine(line)
	if err != nil {
		return 0, false, nil //nolint:nilerr // a line that somebody else wrote is not known
	}
	ok, err := l.has(ctx, entry)
	return entry.Sequence, ok, err
}

// has reports whether the ledger has the entry.
func (l *lockedFile) has(ctx context.Context, entry Entry) (bool, error) {
	kept, err := l.ledger.FindAudit(ctx, entry.Sequence)
	if errors.Is(err, problem.ErrNotFound) {
		return false, nil
	}
	return err == nil && kept.Hash == entry.Hash && l.chain.holds(kept), err
}

// catchUp appends the entries after the last one in the file.
func (l *lockedFile) catchUp(ctx context.Context, reached int64) error {
	for {
		entries, err := l.ledger.ListAuditFrom(ctx, reached+1, batch)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		for _, entry := range entries {
			reached = entry.Sequence
			if l.chain.holds(entry) { // a stranger's entry in the ledger stays out of the file
				text.Write(l.rest(entry.Line()))
			}
		}
		if err := l.append(text.Bytes(), reached); err != nil || len(entries) < batch {
			return err
		}
	}
}

// rest returns the missing bytes of a line after a crash in its middle.
func (l *lockedFile) rest(line []byte) []byte {
	partial := l.partial
	l.partial = nil
	switch {
	case len(partial) == 0:
		return line
	case bytes.HasPrefix(line, partial):
		return line[len(partial):]
	default:
		return append([]byte("\n"), line...)
	}
}

func (l *lockedFile) append(text []byte, reached int64) error {
	if len(text) == 0 {
		return nil
	}
	l.size = -1 // unknown until all bytes are written
	if _, err := l.file.Write(text); err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	info, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("inspect audit file: %w", err)
	}
	l.size, l.reached = info.Size(), reached
	return nil
}

// readLine returns the next line without its end; io.EOF after the last line. Of a line
// that is too long for an entry it returns the beginning.
func readLine(lines *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		if len(line) < tail {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return append(line, '\r'), nil // not an entry: the line end is missing
		case err != nil:
			return nil, err
		default:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		}
	}
}
