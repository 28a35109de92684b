package backup

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/backup/drill"
	"berth/controller/secret"
)

// Ledger is what backups ask of the ledger.
type Ledger interface {
	FindSetting(ctx context.Context, key string) (string, error)
	UpdateSetting(ctx context.Context, key, value string) error
	ListApps(context.Context) ([]app.App, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
	ListArchives(context.Context) ([]string, error)
	// CopyTo writes the ledger as it is at one moment into a new file.
	CopyTo(ctx context.Context, path string) error
}

// Keeper reads the volumes of the stack, and makes those of drills. docker.Engine is the
// one there is.
type Keeper = drill.Keeper

// Options are what Backups need. Every field is required unless it says otherwise.
type Options struct {
	Ledger     Ledger
	Keeper     Keeper
	Hooks      Hooks
	Audit      audit.Auditor
	Key        secret.Key // seals the secret of a bucket, and is part of each backup
	DataFolder string
	ACMEFolder string // empty where it is not at hand
	Stack      string
	Version    string
	// Examine looks into a data folder that a drill has restored, and starts its apps.
	Examine func(ctx context.Context, folder string, told func(what string)) (drill.Content, error)
	Logger  *slog.Logger
}

// Backups makes the backups of a server. It is safe for concurrent use.
type Backups struct {
	o     Options
	asked chan string // who asks for a backup now
	drill chan string // who asks for a drill now

	mu       sync.Mutex
	progress *Progress // of the backup that is made; nil where none is
}

// Progress is how far a backup is.
type Progress struct {
	BeganAt time.Time
	By      string
	Drill   bool   // it is a drill: a backup is read
	Part    string // such as "volume data"
	Read    int64
	Sent    int64
	Total   int64 // bytes that the last backup had; 0 where there was none
}

// Rate is the bytes that were read each second so far.
func (p Progress) Rate(now time.Time) int64 {
	return int64(float64(p.Read) / max(now.Sub(p.BeganAt).Seconds(), 1))
}

// Left is the time that the rest takes at this rate; 0 where that is not known.
func (p Progress) Left(now time.Time) time.Duration {
	rate := p.Rate(now)
	if rate == 0 || p.Total <= p.Read {
		return 0
	}
	return time.Duration(p.Total-p.Read) * time.Second / time.Duration(rate)
}

// New returns Backups that have begun nothing.
func New(o Options) *Backups {
	return &Backups{o: o, asked: make(chan string, 1), drill: make(chan string, 1)}
}

// Progress is that of the backup that is made now; nil where none is.
func (b *Backups) Progress() *Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.progress == nil {
		return nil
	}
	now := *b.progress
	return &now
}

func (b *Backups) begin(progress Progress) {
	b.remember(begun{BeganAt: progress.BeganAt, By: progress.By, Drill: progress.Drill})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.progress = &progress
}

func (b *Backups) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.progress = nil
}

func (b *Backups) note(change func(*Progress)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.progress != nil {
		change(b.progress)
	}
}

// folder is where this package keeps what is its own, in the data folder.
func (b *Backups) folder(name string) string {
	return filepath.Join(b.o.DataFolder, "backups", name)
}
