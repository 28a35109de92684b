package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"berth/controller/problem"
)

// cutSuffix is that of the shortened file until it is whole.
const cutSuffix = ".new"

// Cut removes the entries from before then, but never the newest one, and returns how many
// there were. The hash of the last removed entry stays, sealed, so that the chain still
// verifies from there on. Where the part to be removed does not verify, nothing is
// removed: its faults are evidence. Then the error is a Problem of problem.KindConflict.
func (l *Log) Cut(ctx context.Context, before time.Time) (removed int64, err error) {
	was, err := l.ledger.FindAuditBase(ctx)
	if err != nil {
		return 0, err
	}
	last, err := l.findCut(ctx, was, before)
	if err != nil {
		return 0, err
	}
	if last.Sequence > 0 {
		next := l.chain.sealBase(Base{Count: last.Sequence, Hash: last.Hash, Cut: toMicro(l.now())})
		if err := l.CatchUp(ctx); err != nil { // a line that the file lacks could not be written later
			return 0, err
		}
		if err := l.ledger.CutAudit(ctx, next); err != nil {
			return 0, err
		}
		removed = next.Count - was.Count
		l.Record(ctx, Event{
			Action: ActionAuditCut, Resource: "audit log", Success: true, Account: "Berth",
			Detail: fmt.Sprintf("entries %d to %d were removed: they are older than %s", was.Count+1, next.Count, before.UTC().Format(time.DateOnly)),
		})
		was = next
	}
	return removed, l.shorten(ctx, was)
}

// CountBefore returns how many entries Cut would remove; zero also where it would refuse.
func (l *Log) CountBefore(ctx context.Context, before time.Time) (int64, error) {
	base, err := l.ledger.FindAuditBase(ctx)
	if err != nil {
		return 0, err
	}
	last, err := l.findCut(ctx, base, before)
	if _, refused := errors.AsType[*problem.Problem](err); refused {
		return 0, nil // the check of the log tells it
	}
	if err != nil || last.Sequence == 0 {
		return 0, err
	}
	return last.Sequence - base.Count, nil
}

// findCut returns the last of the entries to remove, each of which follows the one before;
// the zero Entry where there is none. A clock that was set back ends them.
func (l *Log) findCut(ctx context.Context, base Base, before time.Time) (last Entry, err error) {
	head, newest, err := l.ledger.FindAuditHead(ctx)
	if err != nil {
		return Entry{}, err
	}
	if !l.chain.sealedBase(base) || head.Count > 0 && !l.chain.sealed(head) {
		return Entry{}, spoilt()
	}
	previous := base.Hash
	if base.Count == 0 {
		previous = genesis
	}
	for next := base.Count + 1; ; {
		entries, err := l.ledger.ListAuditFrom(ctx, next, batch)
		if err != nil {
			return Entry{}, err
		}
		for _, entry := range entries {
			if !entry.At.Before(before) || entry.Sequence >= newest {
				return last, nil
			}
			if entry.Sequence != next || entry.Previous != previous || !l.chain.holds(entry) {
				return Entry{}, spoilt()
			}
			last, previous = entry, entry.Hash
			next++
		}
		if len(entries) < batch {
			return last, nil
		}
	}
}

func spoilt() error {
	return problem.Conflict(
		"The old part of the audit log does not verify, so none of it is removed.",
		"See Settings, Audit log, or run berth audit verify. What it finds is evidence; copy the data folder before you change anything.",
	)
}

// shorten removes the lines of the file that the ledger does not keep any more. The file
// is written anew beside the old one, so that a crash leaves one of the two.
func (l *Log) shorten(ctx context.Context, base Base) error {
	if base.Count == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lockCtx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	file, err := l.file.lock(lockCtx)
	if err != nil {
		return err
	}
	from, err := file.offsetAfter(base.Count)
	if err == nil && from > 0 {
		err = file.replace(from)
	}
	return errors.Join(err, file.unlock())
}

// offsetAfter returns where the first line stands that is not of an entry up to that
// sequence: zero where no line goes.
func (l *lockedFile) offsetAfter(sequence int64) (offset int64, err error) {
	lines := bufio.NewReader(io.NewSectionReader(l.file, 0, 1<<62))
	for {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return offset, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read audit file: %w", err)
		}
		entry, err := ParseLine(line)
		if err != nil || entry.Sequence > sequence {
			return offset, nil //nolint:nilerr // a line that is no entry stays, to be found
		}
		offset += int64(len(line)) + 1 // with its end
	}
}

// replace puts a file with the bytes from there on in the place of the file.
func (l *lockedFile) replace(from int64) error {
	to, err := os.OpenFile(l.path+cutSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fmt.Errorf("shorten audit file: %w", err)
	}
	_, err = io.Copy(to, io.NewSectionReader(l.file, from, 1<<62))
	if err = errors.Join(err, to.Sync(), to.Close()); err == nil {
		err = os.Rename(l.path+cutSuffix, l.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("shorten audit file: %w", err), os.Remove(l.path+cutSuffix))
	}
	l.size = -1
	return nil
}
