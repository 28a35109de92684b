package disks

import (
	"context"
	"errors"
	"time"

	"berth/controller/problem"
)

// cleanTimeout bounds one clean-up.
const cleanTimeout = 30 * time.Minute

// Progress is how far a clean-up is.
type Progress struct {
	Running  bool
	Began    time.Time // the zero time where none has run in this process
	Ended    time.Time
	Step     string // the title of what is being cleaned
	Done, Of int    // steps
	Freed    []Freed
	Failures []string // what could not be removed, in words
}

// Freed is what a clean-up removed of one kind.
type Freed struct {
	Kind  Kind
	Title string
	Unit  string
	Amount
}

// Bytes is how much was removed in all, as far as it is known.
func (p Progress) Bytes() (sum int64) {
	for _, freed := range p.Freed {
		sum += freed.Bytes
	}
	return sum
}

// Progress is that of the clean-up under way, else of the last one.
func (d *Disks) Progress() Progress {
	d.mu.Lock()
	defer d.mu.Unlock()
	made := d.progress
	made.Freed = append([]Freed{}, made.Freed...)
	made.Failures = append([]string{}, made.Failures...)
	return made
}

// Clean begins a clean-up, which goes on when ctx ends, unless one is under way. It waits
// for its end, but not longer than patience, and returns how far it is.
func (d *Disks) Clean(ctx context.Context, patience time.Duration) Progress {
	done := d.begin()
	if done != nil {
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
			defer cancel()
			d.warn(ctx, "remove what is not kept", d.work(ctx, done))
		}()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-d.current():
	case <-timer.C:
	case <-ctx.Done():
	}
	return d.Progress()
}

// clean is Clean until its end, for the hourly one. It does nothing while one is under way.
func (d *Disks) clean(ctx context.Context) error {
	done := d.begin()
	if done == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
	defer cancel()
	return d.work(ctx, done)
}

// begin returns what to close at the end; nil where a clean-up is under way.
func (d *Disks) begin() chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.progress.Running {
		return nil
	}
	d.done = make(chan struct{})
	d.progress = Progress{Running: true, Began: d.now()}
	return d.done
}

func (d *Disks) current() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}

func (d *Disks) change(how func(*Progress)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	how(&d.progress)
}

// work cleans kind after kind. A kind that fails stops no other.
func (d *Disks) work(ctx context.Context, done chan struct{}) error {
	defer close(done)
	defer d.change(func(p *Progress) { p.Running, p.Step, p.Ended = false, "", d.now() })
	rules, err := d.rules.Find(ctx)
	if err != nil {
		d.change(func(p *Progress) { p.Failures = append(p.Failures, "The settings cannot be read.") })
		return err
	}
	kinds := d.kinds(rules)
	var errs []error
	for at, one := range kinds {
		d.change(func(p *Progress) { p.Step, p.Done, p.Of = one.item.Title, at, len(kinds) })
		if one.clean == nil && one.prune == nil {
			continue
		}
		freed, err := cleanKind(ctx, one)
		errs = append(errs, err)
		d.change(func(p *Progress) { p.note(one.item, freed, err) })
	}
	d.change(func(p *Progress) { p.Done = len(kinds) })
	return errors.Join(errs...)
}

// cleanKind counts before and after: what is gone is what was freed.
func cleanKind(ctx context.Context, one kind) (Amount, error) {
	if one.prune != nil {
		return one.prune(ctx)
	}
	before, after := one.item, one.item
	if err := one.look(ctx, &before); err != nil {
		return Amount{}, err
	}
	err := one.clean(ctx)
	if lookErr := one.look(ctx, &after); lookErr != nil {
		return Amount{}, errors.Join(err, lookErr)
	}
	return Amount{max(0, before.Used.Count-after.Used.Count), max(0, before.Used.Bytes-after.Used.Bytes)}, err
}

func (p *Progress) note(item Item, freed Amount, err error) {
	if err != nil {
		p.Failures = append(p.Failures, item.Title+": "+reason(err))
	}
	if freed != (Amount{}) {
		p.Freed = append(p.Freed, Freed{item.Kind, item.Title, item.Unit, freed})
	}
}

// reason is what may be shown of an error.
func reason(err error) string {
	if found, ok := errors.AsType[*problem.Problem](err); ok {
		return found.Message + " " + found.Hint
	}
	return "Not all of it could be removed. Berth tries again within the hour; its log says more."
}
