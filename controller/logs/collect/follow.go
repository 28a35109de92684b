package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/logs"
	"berth/controller/logs/journal"
	"berth/controller/plan"
)

var errNotPlanned = errors.New("the release is not planned yet")

// follow keeps what an instance prints, from behind its last line that was kept, until it ends.
func (c *Collector) follow(ctx context.Context, instance docker.Instance) error {
	id := app.ReleaseID{App: app.Name(instance.App), Number: instance.Release}
	of, ok := logs.OfService(cmp.Or(instance.Service, plan.MainService))
	if _, err := app.ParseName(instance.App); err != nil || !ok {
		return fmt.Errorf("keep the output of %s: %w", instance.Name, docker.ErrNotFound)
	}
	release, err := c.options.Ledger.FindRelease(ctx, id)
	if err != nil {
		return err
	}
	if len(release.Services) == 0 { // its private files are masked too
		return fmt.Errorf("keep the output of %s: %w", instance.Name, errNotPlanned)
	}
	mask, err := c.options.Masks.MaskOf(ctx, release)
	if err != nil {
		return err
	}
	writer := c.options.Journal.Writer(id.App, of)
	defer writer.Close(ctx)
	f := &follower{ctx: ctx, writer: writer, release: id.Number, instance: short(instance.ID), pace: pace{from: time.Now()}}
	mark := c.options.Journal.Mark(id.App, of, f.instance)
	o := docker.TailOptions{Lines: -1, Follow: instance.Condition.Running, Patience: silence}
	if mark.Knows(f.instance) {
		o.Since, f.last = mark.Since(f.instance), mark.Last(f.instance)
	}
	// The mask sees every line, so that a secret which two lines share is one.
	return c.options.Engine.Tail(ctx, instance.ID, o, mask.Lines(f.whole(mark.Rest(f.instance, f.keep))))
}

// follower keeps the lines of one container.
type follower struct {
	ctx      context.Context //nolint:containedctx // of the one call of Tail
	writer   *journal.Writer
	release  int64
	instance string
	last     time.Time // of the last line that was kept before; zero where there was none, or it was seen
	pace     pace
}

func (f *follower) keep(line docker.Line) error {
	if f.pace.fellBehind(line, time.Now()) {
		if err := f.say(line.At, "Lines may be missing around here: the app printed faster than the engine keeps its output."); err != nil {
			return err
		}
	}
	return f.writer.Add(f.ctx, lineOf(line, f.release, f.instance))
}

// whole says in the log that lines are missing where the engine does not have the last kept line any more.
func (f *follower) whole(each func(docker.Line) error) func(docker.Line) error {
	return func(line docker.Line) error {
		if !f.last.IsZero() && line.At.After(f.last) {
			said := fmt.Sprintf("Lines are missing here: the engine had already removed what was printed after %s.", f.last.UTC().Format(time.RFC3339))
			if err := f.say(line.At, said); err != nil {
				return err
			}
		}
		f.last = time.Time{}
		return each(line)
	}
}

func (f *follower) say(at time.Time, text string) error {
	return f.writer.Add(f.ctx, logs.Line{At: at, Lost: true, Release: f.release, Text: text})
}

const (
	// mostBehind is how much the engine may have written that was not read: it keeps files
	// of 10 MB, and a reader that is two files behind loses one unseen.
	mostBehind  = 10 << 20
	lineInFile  = 90               // bytes in the engine's file beside the text
	behindPause = 10 * time.Second // between two lines that say so
)

// pace measures how many bytes an instance prints in a second, by the stamps of its lines.
type pace struct {
	from   time.Time // what was printed before was read at once
	began  time.Time // of the second that is counted
	bytes  int       // in it so far
	rate   int       // in the second before
	saidAt time.Time
}

// fellBehind reports that the engine may have removed lines before they were read.
func (p *pace) fellBehind(line docker.Line, now time.Time) bool {
	if past := line.At.Sub(p.began); past >= time.Second || past < 0 {
		p.rate = p.bytes
		if past > 2*time.Second || past < 0 {
			p.rate = 0
		}
		p.began, p.bytes = line.At, 0
	}
	p.bytes += len(line.Text) + lineInFile
	if line.At.Before(p.from) {
		return false
	}
	behind := now.Sub(line.At).Seconds() * float64(p.rate)
	if behind < mostBehind || now.Sub(p.saidAt) < behindPause {
		return false
	}
	p.saidAt = now
	return true
}
