//go:build linux && cgo

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"berth/controller/account"
	"berth/controller/audit"
)

const defaultTokenTTL = 30 * 24 * time.Hour

// tokenWish is what the flags of berth token say.
type tokenWish struct {
	ttl               *time.Duration
	scope, name, from *string
}

// runToken mints a token and prints it and nothing else to stdout; with a word
// behind it, it lists or revokes. It works beside a running server.
func runToken(ctx context.Context, p *program, args []string) error {
	flags := newFlags("token")
	wish := tokenWish{
		ttl:   flags.Duration("ttl", defaultTokenTTL, "how long it holds"),
		scope: flags.String("scope", string(account.ScopeDeploy), "what it may do: metrics, read, deploy or admin"),
		name:  flags.String("name", "command line", "who it is for; shown beside what it does"),
		from:  flags.String("from", "", "addresses or networks that it may be used from, with commas between; without it, from anywhere"),
	}
	settings := p.addConfigFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	act, err := wish.action(p, words)
	if err != nil {
		return &usageError{err}
	}
	config, logger, err := p.load(settings)
	if err != nil {
		return err
	}
	ledger, audit, err := openAudited(ctx, config, logger)
	if err != nil {
		return err
	}
	return errors.Join(act(ctx, tokenDesk{account.NewTokens(ledger, logger), audit}), ledger.Close())
}

// tokenDesk is where tokens are made and taken back, and who writes that down.
type tokenDesk struct {
	*account.Tokens
	audit audit.Auditor
}

// tokenAction is what one form of berth token does.
type tokenAction func(context.Context, tokenDesk) error

// action is what the words ask for, checked before a ledger is opened.
func (w tokenWish) action(p *program, words []string) (tokenAction, error) {
	switch {
	case len(words) == 0:
		return w.mint(p)
	case len(words) == 1 && words[0] == "list":
		return p.listTokens, nil
	case len(words) == 2 && words[0] == "revoke":
		id, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil || id < 1 {
			return nil, fmt.Errorf("%.60q is not the number of a token; see berth token list", words[1])
		}
		return func(ctx context.Context, desk tokenDesk) error {
			token, err := desk.Revoke(ctx, id)
			desk.record(ctx, audit.ActionTokenRevoke, "token "+cmp.Or(token.Name, words[1]), "", err)
			return err
		}, nil
	default:
		return nil, fmt.Errorf("berth token takes list, or revoke ID, or nothing, and no %.60q; see berth help token", words[len(words)-1])
	}
}

func (w tokenWish) mint(p *program) (tokenAction, error) {
	scope, err := account.ParseScope(*w.scope)
	if err != nil {
		return nil, err
	}
	ranges, err := account.ParseAddressRanges(*w.from)
	if err != nil {
		return nil, err
	}
	options := account.TokenOptions{Name: *w.name, Scope: scope, TTL: *w.ttl, Ranges: ranges}
	return func(ctx context.Context, desk tokenDesk) error {
		plain, err := desk.MintToken(ctx, options)
		desk.record(ctx, audit.ActionTokenCreate, "token "+options.Name, fmt.Sprintf("scope %s, for %s", scope, options.TTL), err)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.stdout, plain)
		return err
	}, nil
}

// record writes into the audit log what was done from the shell.
func (d tokenDesk) record(ctx context.Context, action audit.Action, resource, detail string, err error) {
	d.audit.Record(ctx, audit.Event{
		Action: action, Resource: resource, Detail: detail, Success: err == nil, Account: audit.CommandLine,
	})
}

func (p *program) listTokens(ctx context.Context, desk tokenDesk) error {
	list, err := desk.List(ctx)
	if err != nil {
		return err
	}
	table := p.table()
	_, _ = fmt.Fprintln(table, "ID\tNAME\tSCOPE\tSTATE\tEXPIRES\tLAST USED\tONLY FROM")
	for _, token := range list {
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", token.ID, token.Name, token.Scope, tokenState(token, time.Now()),
			token.ExpiresAt.Format(time.DateTime), lastUse(token), token.Ranges)
	}
	return table.Flush()
}

func tokenState(token account.Token, now time.Time) string {
	switch {
	case token.Revoked():
		return "revoked"
	case token.Expired(now):
		return "expired"
	default:
		return "active"
	}
}

func lastUse(token account.Token) string {
	if token.UsedAt.IsZero() {
		return "never"
	}
	return token.UsedAt.Format(time.DateTime) + " from " + token.UsedFrom
}
