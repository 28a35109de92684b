package desk

import (
	"context"
	"slices"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/secret"
)

const (
	firstWait = 10 * time.Second
	mostWait  = time.Hour
	giveUp    = 24 * time.Hour // after that a message is dropped, and its channel is marked
)

// sealPlace is where the secret of a channel is sealed for.
const sealPlace = "secret of an alert channel"

// deliver sends the oldest message of each channel that has none on its way. Channels wait
// for no other, and messages of one channel keep their order.
func (d *Desk) deliver(ctx context.Context) error {
	due, err := d.Ledger.ListDue(ctx, d.now())
	if err != nil || len(due) == 0 {
		return err
	}
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil {
		return err
	}
	for _, out := range due {
		at := slices.IndexFunc(book.Channels, func(c alert.Channel) bool { return c.ID == out.Channel })
		if at < 0 || !d.take(out.Channel) {
			continue
		}
		d.sends.Go(func() {
			defer d.free(out.Channel)
			d.sendOne(ctx, book.Channels[at], out)
		})
	}
	return nil
}

func (d *Desk) take(id int64) bool {
	d.busyMu.Lock()
	defer d.busyMu.Unlock()
	taken := !d.busy[id]
	d.busy[id] = true
	return taken
}

func (d *Desk) free(id int64) {
	d.busyMu.Lock()
	defer d.busyMu.Unlock()
	delete(d.busy, id)
}

// sendOne tries a message once and keeps how that ended.
func (d *Desk) sendOne(ctx context.Context, to alert.Channel, out alert.Outgoing) {
	err := d.send(ctx, to, out.Message)
	if ctx.Err() != nil && err != nil {
		return // Berth stops: that was no fault of the channel
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	now := d.now()
	switch {
	case err == nil:
		err = d.Ledger.MarkSent(ending, out, now)
	case now.Sub(out.Created) >= giveUp:
		d.Logger.WarnContext(ctx, "an alert could not be delivered within a day", "channel", to.Name, "error", err)
		err = d.Ledger.GiveUp(ending, out, now, err.Error())
	default:
		d.Logger.InfoContext(ctx, "an alert was not delivered yet", "channel", to.Name, "attempts", out.Attempts+1, "error", err)
		err = d.Ledger.MarkFailed(ending, out, now, now.Add(waitAfter(out.Attempts)), err.Error())
	}
	if err != nil {
		d.Logger.ErrorContext(ctx, "keep how a message was delivered", "error", err)
	}
}

func (d *Desk) send(ctx context.Context, to alert.Channel, message channel.Message) error {
	var key secret.Text
	if len(to.Sealed) > 0 {
		opened, err := d.Key.Open(to.Sealed, sealPlace)
		if err != nil {
			return err
		}
		key = secret.Text(opened)
	}
	return channel.Open(to.Settings, key, d.Dial(to.Settings.Private)).Send(ctx, message)
}

// waitAfter is the time to the next attempt: doubled each time, up to an hour.
func waitAfter(attempts int) time.Duration {
	wait := firstWait
	for range min(attempts, 16) {
		wait = min(2*wait, mostWait)
	}
	return wait
}
