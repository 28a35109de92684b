package collect

import (
	"context"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/logs"
	"berth/controller/logs/journal"
	"berth/controller/printable"
	"berth/traefik"
)

const (
	// proxySlip is how far the last requests of two apps that were kept may be apart.
	proxySlip    = 10 * time.Second
	mostMasks    = 500  // releases
	mostPath     = 1000 // bytes of a path that are kept
	mostHost     = 253
	mostMethod   = 20
	mostAddress  = 45
	serverFailed = 500
	clientFailed = 400
)

// proxyFollower keeps the requests that one container of the proxy answered, each in the log of its app.
type proxyFollower struct {
	*Collector
	ctx      context.Context //nolint:containedctx // of the one call of TailProxy
	instance string
	writers  map[app.Name]*journal.Writer         // by the keys of the journal, as all here
	rests    map[app.Name]func(docker.Line) error // drops what was kept before
	masks    map[app.ReleaseID]*environment.Mask
	request  traefik.Request // that rests are asked about
}

// followProxy keeps the requests from behind the last one that was kept.
func (c *Collector) followProxy(ctx context.Context, id string) error {
	f := &proxyFollower{
		Collector: c, ctx: ctx, instance: short(id), writers: make(map[app.Name]*journal.Writer),
		rests: make(map[app.Name]func(docker.Line) error), masks: make(map[app.ReleaseID]*environment.Mask),
	}
	defer f.close()
	apps, err := c.options.Ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	var last time.Time
	for _, found := range apps {
		mark := c.options.Journal.Mark(found.Name, logs.Requests, f.instance)
		if at := mark.Last(f.instance); at.After(last) {
			last = at
		}
	}
	o := docker.TailOptions{Lines: -1, Follow: true, Patience: silence}
	if !last.IsZero() {
		o.Since = last.Add(-proxySlip)
	}
	return c.options.Engine.TailProxy(ctx, id, o, f.take)
}

func (f *proxyFollower) close() {
	for _, writer := range f.writers {
		writer.Close(f.ctx)
	}
}

// take reads a line of the proxy's output.
func (f *proxyFollower) take(line docker.Line) error {
	request, ok := traefik.ParseRequest(line.Text)
	if !ok {
		return nil
	}
	name := app.Name(request.App)
	key := f.options.Journal.Key(name) // the app keeps it under another name, and no other app gets it
	if f.rests[key] == nil {
		if _, err := f.options.Ledger.FindRelease(f.ctx, app.ReleaseID{App: name, Number: request.Release}); err != nil {
			return nil //nolint:nilerr // its app is gone, or was never there
		}
		f.writers[key] = f.options.Journal.Writer(name, logs.Requests)
		mark := f.options.Journal.Mark(name, logs.Requests, f.instance)
		f.rests[key] = mark.Rest(f.instance, func(line docker.Line) error { return f.keep(key, line) })
	}
	f.request = request
	return f.rests[key](line)
}

func (f *proxyFollower) keep(key app.Name, line docker.Line) error {
	mask, err := f.mask(key)
	if err != nil {
		return nil //nolint:nilerr // what cannot be masked is not kept; the requests to other apps are
	}
	level := logs.Info
	switch {
	case f.request.Status >= serverFailed:
		level = logs.Error
	case f.request.Status >= clientFailed:
		level = logs.Warn
	}
	return f.writers[key].Add(f.ctx, logs.Line{
		At: line.At, Stderr: line.Stderr, Level: level, Release: f.request.Release, Instance: f.instance, Text: mask.Apply(requestText(f.request)),
	})
}

// requestText is a request in words: status, method, host and path, time, bytes, client.
func requestText(r traefik.Request) string {
	return fmt.Sprintf("%d %s %s%s %s %d B %s", r.Status, word(r.Method, mostMethod), word(r.Host, mostHost), word(r.Path, mostPath), tookText(r.Took), r.Bytes, word(r.Client, mostAddress))
}

func tookText(took time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(took)/float64(time.Millisecond))
}

// word bounds what a visitor chose, and makes it safe to show.
func word(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "..."
	}
	return printable.Plain(text)
}

// mask hides the secrets of the app: a visitor may send one as a part of a path.
func (f *proxyFollower) mask(key app.Name) (*environment.Mask, error) {
	id := app.ReleaseID{App: key, Number: f.request.Release}
	if mask, known := f.masks[id]; known {
		return mask, nil
	}
	release, err := f.options.Ledger.FindRelease(f.ctx, app.ReleaseID{App: app.Name(f.request.App), Number: f.request.Release})
	if err != nil {
		return nil, err
	}
	mask, err := f.options.Masks.MaskOf(f.ctx, release)
	if err != nil {
		return nil, err
	}
	if len(f.masks) >= mostMasks {
		clear(f.masks)
	}
	f.masks[id] = mask
	return mask, nil
}
