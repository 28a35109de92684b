package controller

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
)

const (
	auditFileMode  fs.FileMode = 0o600
	auditLockPause             = 2 * time.Millisecond // between two tries to lock
	auditTail                  = 64 << 10             // bytes; more than a line can have
	auditBatch                 = 500                  // entries that are read at once
)

// auditFile is audit.log: the entries of the ledger as lines, for whoever reads
// files. It is only ever appended to, by whichever process holds its lock.
type auditFile struct {
	path   string
	chain  auditChain
	ledger AuditLedger
	logger *slog.Logger

	size    int64 // of the file when this process had written to it last
	reached int64 // and the entry that it reached then
}

// lockedAuditFile is the file while this process holds its lock.
type lockedAuditFile struct {
	*auditFile
	file    *os.File
	partial []byte // of a line that was not written to its end
}

// lock opens the file, which it makes where there is none, and locks it.
func (f *auditFile) lock(ctx context.Context) (*lockedAuditFile, error) {
	// A link in its place would lead the entries, and the mode, elsewhere.
	const flags = os.O_RDWR | os.O_APPEND | os.O_CREATE | syscall.O_NOFOLLOW
	file, err := os.OpenFile(f.path, flags, auditFileMode)
	if err != nil {
		return nil, fmt.Errorf("open audit file: %w", err)
	}
	locked := &lockedAuditFile{auditFile: f, file: file}
	if err := errors.Join(lockFile(ctx, file, syscall.LOCK_EX), locked.narrow()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return locked, nil
}

// lockFile takes a lock that ends with the file or the process.
func lockFile(ctx context.Context, file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if err := pause.For(ctx, auditLockPause); err != nil {
			return fmt.Errorf("lock audit file: %w", err)
		}
	}
}

func (l *lockedAuditFile) unlock() error { return l.file.Close() }

// narrow takes back the rights that a copy or a restore has given to others.
func (l *lockedAuditFile) narrow() error {
	info, err := l.file.Stat()
	if err != nil || info.Mode().Perm() == auditFileMode {
		return err
	}
	l.logger.Warn("the audit file was open to others", "file", l.path, "mode", info.Mode().Perm().String())
	return l.file.Chmod(auditFileMode)
}

// find returns the last entry of the ledger that the file has.
func (l *lockedAuditFile) find(ctx context.Context) (int64, error) {
	info, err := l.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("inspect audit file: %w", err)
	}
	if info.Size() == l.size {
		return l.reached, nil
	}
	l.size = -1
	tail := make([]byte, min(info.Size(), auditTail))
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

// search looks for the last line that the ledger knows where that is not the last
// one: somebody else has written, or the ledger was set back.
func (l *lockedAuditFile) search(ctx context.Context) (int64, error) {
	var hashes []AuditEntry // of lines that hold, with nothing but what known needs
	lines := bufio.NewReader(io.NewSectionReader(l.file, 0, 1<<62))
	for {
		line, err := readAuditLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read audit file: %w", err)
		}
		if entry, err := ParseAuditLine(line); err == nil && l.chain.holds(entry) {
			hashes = append(hashes, AuditEntry{Sequence: entry.Sequence, Hash: entry.Hash})
		}
	}
	for i := len(hashes) - 1; i >= 0; i-- {
		if ok, err := l.has(ctx, hashes[i]); ok || err != nil {
			return hashes[i].Sequence, err
		}
	}
	return 0, nil
}

func (l *lockedAuditFile) known(ctx context.Context, line []byte) (int64, bool, error) {
	entry, err := ParseAuditLine(line)
	if err != nil {
		return 0, false, nil //nolint:nilerr // a line that somebody else wrote is not known
	}
	ok, err := l.has(ctx, entry)
	return entry.Sequence, ok, err
}

// has reports whether the ledger has the entry.
func (l *lockedAuditFile) has(ctx context.Context, entry AuditEntry) (bool, error) {
	kept, err := l.ledger.FindAudit(ctx, entry.Sequence)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && kept.Hash == entry.Hash && l.chain.holds(kept), err
}

// catchUp appends the entries after the one that the file has reached.
func (l *lockedAuditFile) catchUp(ctx context.Context, reached int64) error {
	for {
		entries, err := l.ledger.ListAuditFrom(ctx, reached+1, auditBatch)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		for _, entry := range entries {
			reached = entry.Sequence
			if l.chain.holds(entry) { // what somebody else has put into the ledger stays there
				text.Write(l.rest(entry.Line()))
			}
		}
		if err := l.append(text.Bytes(), reached); err != nil || len(entries) < auditBatch {
			return err
		}
	}
}

// rest is what is to write of a line, after a crash in the middle of it.
func (l *lockedAuditFile) rest(line []byte) []byte {
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

func (l *lockedAuditFile) append(text []byte, reached int64) error {
	if len(text) == 0 {
		return nil
	}
	l.size = -1 // not known until all of it is written
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

// readAuditLine returns the next line without its end, io.EOF after the last. Of
// a line that is too long to be ours it returns the beginning.
func readAuditLine(lines *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		if len(line) < auditTail {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return append(line, '\r'), nil // no line of ours: its end is missing
		case err != nil:
			return nil, err
		default:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		}
	}
}
