package audit

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"berth/controller/problem"
)

// The places of a finding.
const (
	inLedger = "ledger"
	inFile   = "audit.log"
)

// Finding is one thing that is wrong with the audit log.
type Finding struct {
	Place    string // "ledger", "audit.log" or the path of a copy
	Sequence int64  // of the entry; 0 if it is about none
	What     string // such as "entry 7 was changed or put in"
}

// String gives the finding with its place.
func (f Finding) String() string { return f.Place + ": " + f.What }

// Verdict is what a check of the whole audit log found.
type Verdict struct {
	At       time.Time
	Entries  int64     // good ones in the ledger
	Lines    int64     // good ones in the file
	Removed  int64     // entries that were removed before the first kept one, when their time was over
	Findings []Finding // by place and entry; at most 100
	More     int       // findings beyond those
}

// Whole reports whether a check ran and found nothing wrong.
func (v Verdict) Whole() bool { return !v.At.IsZero() && len(v.Findings) == 0 }

const mostFindings = 100

func (v *Verdict) find(place string, sequence int64, what string, arguments ...any) {
	if len(v.Findings) >= mostFindings {
		v.More++
		return
	}
	v.Findings = append(v.Findings, Finding{Place: place, Sequence: sequence, What: fmt.Sprintf(what, arguments...)})
}

// Verify checks every entry in the ledger and every line of audit.log. It ignores entries
// that are recorded meanwhile.
func (l *Log) Verify(ctx context.Context) (Verdict, error) {
	l.verdictMu.Lock()
	defer l.verdictMu.Unlock()
	moment, err := l.freeze(ctx)
	if err != nil {
		return Verdict{}, err
	}
	verdict := Verdict{At: l.now()}
	if err := l.verifyLedger(ctx, moment, &verdict); err != nil {
		return Verdict{}, err
	}
	if moment.file == nil {
		if moment.head.Count > 0 {
			verdict.find(inFile, 0, "the file is missing; Berth writes it again with its next entry")
		}
	} else {
		defer func() { _ = moment.file.Close() }()
		end, err := l.verifyFile(ctx, inFile, io.NewSectionReader(moment.file, 0, moment.size), moment.base, &verdict)
		if err != nil {
			return Verdict{}, err
		}
		if l.chain.sealed(moment.head) && end < moment.head.Count {
			verdict.find(inFile, end+1, "%s: the file was cut, or Berth was killed before it wrote them (its next start does)",
				missingEntries(end+1, moment.head.Count))
		}
	}
	l.verdict = verdict.sorted()
	return l.verdict, nil
}

// VerifyCopy checks a copy of audit.log, or an export of the whole log, against the
// ledger. The copy may be older than the ledger, never newer.
func (l *Log) VerifyCopy(ctx context.Context, path string) (Verdict, error) {
	moment, err := l.freeze(ctx)
	if err != nil {
		return Verdict{}, err
	}
	if moment.file != nil {
		_ = moment.file.Close()
	}
	file, err := os.Open(path)
	if err != nil {
		return Verdict{}, fmt.Errorf("open copy of the audit log: %w", err)
	}
	defer func() { _ = file.Close() }()
	verdict := Verdict{At: l.now()}
	if err := l.verifyLedger(ctx, moment, &verdict); err != nil {
		return Verdict{}, err
	}
	if _, err := l.verifyFile(ctx, path, file, moment.base, &verdict); err != nil {
		return Verdict{}, err
	}
	return verdict.sorted(), nil
}

// LastVerdict returns the last result of Verify in this process; the zero verdict before
// the first one.
func (l *Log) LastVerdict() Verdict {
	l.verdictMu.Lock()
	defer l.verdictMu.Unlock()
	return l.verdict
}

// CheckHead checks only the end of the chain, which is quick. It returns the number of
// entries, and whether nobody changed their end.
func (l *Log) CheckHead(ctx context.Context) (entries int64, good bool, err error) {
	head, last, err := l.ledger.FindAuditHead(ctx)
	if err != nil || head == (Head{}) && last == 0 {
		return 0, err == nil, err
	}
	entry, err := l.ledger.FindAudit(ctx, last)
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return 0, false, err
	}
	good = l.chain.sealed(head) && head.Count == last && l.chain.holds(entry) && head.Hash == entry.Hash
	return last, good, nil
}

// frozen is the log at one moment: the ledger and the file agree.
type frozen struct {
	base Base
	head Head
	last int64
	file *os.File // nil if there is none
	size int64
}

// freeze reads the ledger and the file while nobody writes to either.
func (l *Log) freeze(ctx context.Context) (at frozen, err error) {
	lockCtx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	file, err := openLocked(lockCtx, l.file.path, os.O_RDONLY, syscall.LOCK_SH)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return frozen{}, err
	}
	if err == nil {
		at.file = file
		defer func() { _ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }()
		info, err := file.Stat()
		if err != nil {
			return frozen{}, errors.Join(fmt.Errorf("inspect audit file: %w", err), file.Close())
		}
		at.size = info.Size()
	}
	at.head, at.last, err = l.ledger.FindAuditHead(ctx)
	if err == nil {
		at.base, err = l.ledger.FindAuditBase(ctx)
	}
	if err != nil && at.file != nil {
		err = errors.Join(err, at.file.Close())
	}
	return at, err
}

func (l *Log) verifyLedger(ctx context.Context, moment frozen, verdict *Verdict) error {
	walk := newWalker(l.chain, inLedger, verdict, moment.base)
	walk.base(moment.base)
	verdict.Removed = moment.base.Count
	for next, more := moment.base.Count+1, true; more; {
		entries, err := l.ledger.ListAuditFrom(ctx, next, batch)
		if err != nil {
			return err
		}
		more = len(entries) == batch
		for _, entry := range entries {
			if entry.Sequence > moment.last {
				more = false
				break
			}
			walk.entry(entry)
			next = entry.Sequence + 1
		}
	}
	verdict.Entries = walk.good
	walk.end()
	walk.head(moment.head)
	return nil
}

// verifyFile checks the lines and returns the last entry among them.
func (l *Log) verifyFile(ctx context.Context, place string, from io.Reader, base Base, verdict *Verdict) (int64, error) {
	walk := newWalker(l.chain, place, verdict, base)
	lines := bufio.NewReader(from)
	for count := 1; ctx.Err() == nil; count++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read audit file: %w", err)
		}
		entry, err := ParseLine(line)
		if err != nil {
			walk.damaged(count)
			continue
		}
		walk.entry(entry)
	}
	verdict.Lines = walk.good
	walk.end()
	if err := l.compare(ctx, walk, base); err != nil {
		return 0, err
	}
	return walk.expected - 1, ctx.Err()
}

// compare compares the last good line with the ledger. Each entry holds the hash of the
// entry before. So if the two agree on an entry, they agree on all earlier ones.
func (l *Log) compare(ctx context.Context, walk *walker, base Base) error {
	if walk.last.Sequence == 0 || walk.last.Sequence < base.Count || walk.last.Sequence == base.Count && walk.last.Hash == base.Hash {
		return nil // all of it is older than what the ledger keeps
	}
	kept, err := l.ledger.FindAudit(ctx, walk.last.Sequence)
	switch {
	case errors.Is(err, problem.ErrNotFound):
		walk.verdict.find(walk.place, walk.last.Sequence,
			"entry %d is not in the ledger: the ledger was cut or set back to an older state", walk.last.Sequence)
	case err != nil:
		return err
	case l.chain.holds(kept) && kept.Hash != walk.last.Hash:
		walk.verdict.find(walk.place, walk.last.Sequence,
			"entry %d is another one than in the ledger: the ledger was set back to an older state and written on", walk.last.Sequence)
	}
	return nil
}

func (v Verdict) sorted() Verdict {
	slices.SortStableFunc(v.Findings, func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(a.Place, b.Place), cmp.Compare(a.Sequence, b.Sequence))
	})
	return v
}

func missingEntries(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d is missing", from)
	}
	return fmt.Sprintf("entries %d to %d are missing", from, to)
}
