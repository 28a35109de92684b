//go:build linux && cgo

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/uploads"
	"berth/controller/webhook/inbox"
	"berth/router"
)

// receiver takes the archives of releases.
type receiver interface {
	Receive(archive io.Reader) (*uploads.Archive, error)
	Accept(context.Context, controller.Upload) (app.Release, error)
}

// hooked deploys what git hosts tell of.
type hooked struct {
	story  receiver
	limits *limit.Limiter
}

// openWebhooks gives the admin app what takes the deliveries of webhooks.
func openWebhooks(config Config, remotes *remote.Remotes, ledger *store.Store, admin *router.Options, h hooked, key secret.Key, logger *slog.Logger) *inbox.Inbox {
	made := inbox.New(inbox.Options{
		Ledger: ledger, Remotes: remotes, Deploy: h.deploy, Key: key, Stack: config.Stack, BaseURL: knownAdminURL(config), Logger: logger,
	})
	admin.Webhooks = made
	return made
}

// deploy accepts the files as an update. Each app has the budget that an account has.
func (h hooked) deploy(ctx context.Context, wish inbox.Wish) (int64, error) {
	refund, err := h.limits.Take(ctx, limit.Update, limit.Account("webhook of "+string(wish.App)))
	if exceeded, ok := errors.AsType[*limit.Exceeded](err); ok {
		return 0, problem.Limited(
			fmt.Sprintf("The webhook deployed as often as the limit allows: %s.", exceeded.Budget.Words()),
			fmt.Sprintf("Send the delivery again in %s, or deploy on the app's page.", limit.SpanWords(exceeded.Wait)),
		).Because(err)
	}
	if err != nil {
		return 0, err
	}
	number, err := h.accept(ctx, wish)
	if err != nil {
		refund()
	}
	return number, err
}

func (h hooked) accept(ctx context.Context, wish inbox.Wish) (int64, error) {
	received, err := h.story.Receive(wish.Archive)
	if err != nil {
		return 0, err
	}
	defer received.Discard()
	received.Name = fmt.Sprintf("%s-%s.tar.gz", wish.App, wish.Commit.Short())
	release, err := h.story.Accept(ctx, controller.Upload{Name: wish.App, Next: true, By: cmp.Or(wish.By, "webhook"), Archive: received})
	return release.Number, err
}
