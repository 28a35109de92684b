package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	timeout     = 10 * time.Second // to store one entry
	lockTimeout = 2 * time.Second  // the part of it for waiting on another process at audit.log
)

// Log stores events in the ledger, which is the truth, and as lines of audit.log, which
// follow the ledger. It is safe for concurrent use, also by several processes.
type Log struct {
	ledger Ledger
	chain  chain
	logger *slog.Logger
	now    func() time.Time
	floods *floods

	mu   sync.Mutex // held from an entry's place in the chain to its line
	file *logFile
	last Head // the latest head that this process has seen

	verdictMu sync.Mutex
	verdict   Verdict
}

// Options are the parts of a Log. Every field is required.
type Options struct {
	Ledger Ledger
	Key    []byte // used for nothing else
	File   string // path of audit.log
	Logger *slog.Logger
}

// NewLog returns the log over its ledger.
func NewLog(o Options) *Log {
	chain := chain{key: o.Key}
	return &Log{
		ledger: o.Ledger, chain: chain, logger: o.Logger, now: time.Now, floods: newFloods(),
		file: &logFile{path: o.File, chain: chain, ledger: o.Ledger, logger: o.Logger, size: -1},
	}
}

// Record stores the event, even if ctx has ended. Of very many refusals of one stranger
// it stores the count.
func (l *Log) Record(ctx context.Context, event Event) {
	origin, _ := ctx.Value(originKey{}).(Origin)
	event = event.from(origin).clean(l.now())
	if l.floods.admit(event, func(count Event) { l.keep(context.WithoutCancel(ctx), count.clean(l.now())) }) {
		l.keep(ctx, event)
	}
}

func (l *Log) keep(ctx context.Context, event Event) {
	if err := l.append(ctx, event); err != nil {
		l.logger.ErrorContext(ctx, "an audit entry could not be kept", "action", event.Action, "resource", event.Resource,
			"success", event.Success, "account", event.Account, "address", event.Address, "request_id", event.RequestID, "error", err)
	}
}

// CatchUp writes the lines that a crash kept out of audit.log.
func (l *Log) CatchUp(ctx context.Context) error { return l.append(ctx) }

// append stores the events in one transaction, and then in the file. If the file cannot
// be written, the program's log says so, and a later entry catches up.
func (l *Log) append(ctx context.Context, events ...Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	file, reached, fileErr := l.openFile(ctx)
	head := Head{}
	err := l.ledger.AppendAudit(ctx, func(found Head, free int64) (entries []Entry, next Head) {
		head, free = l.trust(found, free)
		all := events // of its own each time: a transaction may run twice
		if fileErr == nil && reached < head.Written {
			all = append([]Event{repairOf(reached, head.Written).clean(l.now())}, events...)
		}
		if fileErr == nil {
			head.Written = reached
		}
		entries, head = l.follow(head, free, all)
		return entries, head
	})
	if err == nil {
		l.last = head
	}
	if fileErr == nil {
		fileErr = errors.Join(file.catchUp(ctx, reached), file.unlock())
	}
	if fileErr != nil {
		l.logger.ErrorContext(ctx, "write audit file", "file", l.file.path, "error", fileErr)
	}
	return err
}

func (l *Log) openFile(ctx context.Context) (file *lockedFile, reached int64, err error) {
	lockCtx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if file, err = l.file.lock(lockCtx); err != nil {
		return nil, 0, err
	}
	if reached, err = file.find(ctx); err != nil {
		return nil, 0, errors.Join(err, file.unlock())
	}
	return file, reached, nil
}

// trust returns the head that the next entry follows, and its sequence. If the head is
// forged, or older than a head that this process has seen, the next entry must not hide
// that: the missing part stays visible forever.
func (l *Log) trust(found Head, free int64) (Head, int64) {
	switch {
	case found == Head{} && free == 1 && l.last.Count == 0:
		return Head{Hash: genesis}, 1
	case l.chain.sealed(found) && found.Count >= l.last.Count:
		return found, free
	case l.last.Count > 0:
		return l.last, max(free, l.last.Count+1)
	default:
		return Head{Hash: broken}, free
	}
}

// follow makes the entries of the events after the head, and the head after them.
func (l *Log) follow(head Head, sequence int64, events []Event) ([]Entry, Head) {
	if len(events) == 0 {
		return nil, head
	}
	entries := make([]Entry, 0, len(events))
	for _, event := range events {
		entry := l.chain.link(event, sequence, head.Hash)
		head.Count, head.Hash = entry.Sequence, entry.Hash
		entries = append(entries, entry)
		sequence++
	}
	return entries, l.chain.seal(head)
}

// repairOf says that audit.log had lost lines, and that they are written again.
func repairOf(reached, written int64) Event {
	return Event{
		Action: ActionAuditRepair, Resource: "audit.log", Success: true, Account: "Berth",
		Detail: fmt.Sprintf("the file had been cut: entries %d to %d were written again", reached+1, written),
	}
}

// List returns a page of the entries that pass the filter, the newest first.
func (l *Log) List(ctx context.Context, filter Filter, page Page) ([]Entry, error) {
	return l.ledger.ListAudit(ctx, filter, page)
}

// Each calls do with every entry that passes the filter, the oldest first, up to the
// newest entry at the time of the call. It holds few entries at a time, and no lock of
// the ledger while do runs.
func (l *Log) Each(ctx context.Context, filter Filter, do func(Entry) error) error {
	_, end, err := l.ledger.FindAuditHead(ctx)
	if err != nil {
		return err
	}
	for after := int64(-1); ; { // below the first
		entries, err := l.ledger.ListAudit(ctx, filter, Page{After: after, Limit: batch})
		if err != nil {
			return err
		}
		for _, entry := range slices.Backward(entries) {
			if after = entry.Sequence; after > end {
				return nil
			}
			if err := do(entry); err != nil {
				return err
			}
		}
		if len(entries) < batch {
			return nil
		}
	}
}

// Actions returns the actions that have entries.
func (l *Log) Actions(ctx context.Context) ([]Action, error) {
	return l.ledger.ListAuditActions(ctx)
}

// Accounts returns the first hundred accounts that have entries.
func (l *Log) Accounts(ctx context.Context) ([]string, error) {
	return l.ledger.ListAuditAccounts(ctx)
}
