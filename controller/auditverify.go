package controller

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
)

// Where a finding is.
const (
	auditInLedger = "ledger"
	auditInFile   = "audit.log"
)

// AuditFinding is one thing that is wrong with the audit log.
type AuditFinding struct {
	Place    string // "ledger", "audit.log" or the path of a copy
	Sequence int64  // of the entry; 0 where it is about none
	What     string // such as "entry 7 was changed or put in"
}

// String gives the finding with its place.
func (f AuditFinding) String() string { return f.Place + ": " + f.What }

// AuditVerdict is what a check of the whole audit log found.
type AuditVerdict struct {
	At       time.Time
	Entries  int64          // good ones in the ledger
	Lines    int64          // good ones in the file
	Findings []AuditFinding // by place and entry; at most 100
	More     int            // findings beyond those
}

// Whole reports whether the check found nothing wrong. A verdict of no check is not whole.
func (v AuditVerdict) Whole() bool { return !v.At.IsZero() && len(v.Findings) == 0 }

const mostAuditFindings = 100

func (v *AuditVerdict) find(place string, sequence int64, what string, arguments ...any) {
	if len(v.Findings) >= mostAuditFindings {
		v.More++
		return
	}
	v.Findings = append(v.Findings, AuditFinding{Place: place, Sequence: sequence, What: fmt.Sprintf(what, arguments...)})
}

// Verify checks every entry in the ledger and every line of audit.log. Entries
// that are recorded meanwhile are not looked at.
func (l *AuditLog) Verify(ctx context.Context) (AuditVerdict, error) {
	l.verdictMu.Lock()
	defer l.verdictMu.Unlock()
	moment, err := l.freeze(ctx)
	if err != nil {
		return AuditVerdict{}, err
	}
	verdict := AuditVerdict{At: l.now()}
	if err := l.verifyLedger(ctx, moment, &verdict); err != nil {
		return AuditVerdict{}, err
	}
	if moment.file == nil {
		if moment.head.Count > 0 {
			verdict.find(auditInFile, 0, "the file is missing; Berth writes it again with its next entry")
		}
	} else {
		defer func() { _ = moment.file.Close() }()
		end, err := l.verifyFile(ctx, auditInFile, io.NewSectionReader(moment.file, 0, moment.size), &verdict)
		if err != nil {
			return AuditVerdict{}, err
		}
		if l.chain.sealed(moment.head) && end < moment.head.Count {
			verdict.find(auditInFile, end+1, "%s: the file was cut, or Berth was killed before it wrote them (its next start does)",
				missingEntries(end+1, moment.head.Count))
		}
	}
	l.verdict = verdict.sorted()
	return l.verdict, nil
}

// VerifyCopy checks a copy of audit.log or an export of the whole log against
// the ledger. The copy may be older than the ledger, never newer.
func (l *AuditLog) VerifyCopy(ctx context.Context, path string) (AuditVerdict, error) {
	moment, err := l.freeze(ctx)
	if err != nil {
		return AuditVerdict{}, err
	}
	if moment.file != nil {
		_ = moment.file.Close()
	}
	file, err := os.Open(path)
	if err != nil {
		return AuditVerdict{}, fmt.Errorf("open copy of the audit log: %w", err)
	}
	defer func() { _ = file.Close() }()
	verdict := AuditVerdict{At: l.now()}
	if err := l.verifyLedger(ctx, moment, &verdict); err != nil {
		return AuditVerdict{}, err
	}
	if _, err := l.verifyFile(ctx, path, file, &verdict); err != nil {
		return AuditVerdict{}, err
	}
	return verdict.sorted(), nil
}

// LastVerdict returns what Verify found last in this process; the zero verdict
// where it has not run.
func (l *AuditLog) LastVerdict() AuditVerdict {
	l.verdictMu.Lock()
	defer l.verdictMu.Unlock()
	return l.verdict
}

// CheckHead looks at the end of the chain alone, which takes no time, and returns
// how many entries there are and whether their end is as it was left.
func (l *AuditLog) CheckHead(ctx context.Context) (entries int64, good bool, err error) {
	head, last, err := l.ledger.FindAuditHead(ctx)
	if err != nil || head == (AuditHead{}) && last == 0 {
		return 0, err == nil, err
	}
	entry, err := l.ledger.FindAudit(ctx, last)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, false, err
	}
	good = l.chain.sealed(head) && head.Count == last && l.chain.holds(entry) && head.Hash == entry.Hash
	return last, good, nil
}

// frozen is one moment of the log: nothing is between the ledger and the file.
type frozen struct {
	head AuditHead
	last int64
	file *os.File // nil where there is none
	size int64
}

// freeze looks at the ledger and the file while nobody writes to either.
func (l *AuditLog) freeze(ctx context.Context) (at frozen, err error) {
	file, err := os.OpenFile(l.file.path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return frozen{}, fmt.Errorf("open audit file: %w", err)
	}
	if err == nil {
		at.file = file
		lockCtx, cancel := context.WithTimeout(ctx, auditLockTimeout)
		defer cancel()
		if err := lockFile(lockCtx, file, syscall.LOCK_SH); err != nil {
			return frozen{}, errors.Join(err, file.Close())
		}
		defer func() { _ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }()
		info, err := file.Stat()
		if err != nil {
			return frozen{}, errors.Join(fmt.Errorf("inspect audit file: %w", err), file.Close())
		}
		at.size = info.Size()
	}
	if at.head, at.last, err = l.ledger.FindAuditHead(ctx); err != nil && at.file != nil {
		err = errors.Join(err, at.file.Close())
	}
	return at, err
}

func (l *AuditLog) verifyLedger(ctx context.Context, moment frozen, verdict *AuditVerdict) error {
	walk := newAuditWalk(l.chain, auditInLedger, verdict)
	for next, more := int64(1), true; more; {
		entries, err := l.ledger.ListAuditFrom(ctx, next, auditBatch)
		if err != nil {
			return err
		}
		more = len(entries) == auditBatch
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

// verifyFile checks the lines and returns the entry that they reach.
func (l *AuditLog) verifyFile(ctx context.Context, place string, from io.Reader, verdict *AuditVerdict) (int64, error) {
	walk := newAuditWalk(l.chain, place, verdict)
	lines := bufio.NewReader(from)
	for count := 1; ctx.Err() == nil; count++ {
		line, err := readAuditLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read audit file: %w", err)
		}
		entry, err := ParseAuditLine(line)
		if err != nil {
			walk.damaged(count)
			continue
		}
		walk.entry(entry)
	}
	verdict.Lines = walk.good
	walk.end()
	if err := l.compare(ctx, walk); err != nil {
		return 0, err
	}
	return walk.expected - 1, ctx.Err()
}

// compare holds the last good line against the ledger. As each entry holds the
// hash of the one before, the two agree before it where they agree on it.
func (l *AuditLog) compare(ctx context.Context, walk *auditWalk) error {
	if walk.last.Sequence == 0 {
		return nil
	}
	kept, err := l.ledger.FindAudit(ctx, walk.last.Sequence)
	switch {
	case errors.Is(err, ErrNotFound):
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

func (v AuditVerdict) sorted() AuditVerdict {
	slices.SortStableFunc(v.Findings, func(a, b AuditFinding) int {
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
