//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller/limit"
)

// mostLimited is how many limited ones the command shows.
const mostLimited = 200

// runLimits shows who is limited, and with --clear lets everybody go on. It works
// beside a running server, for an operator whom a limit keeps from the page.
func runLimits(ctx context.Context, p *program, args []string) error {
	flags := newFlags("limits")
	all := flags.Bool("clear", false, "forget everything that was counted, so that nobody is limited")
	settings := p.addConfigFlags(flags)
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, _, err := p.load(settings)
	if err != nil {
		return err
	}
	ledger, err := openLedger(ctx, config)
	if err != nil {
		return err
	}
	if *all {
		err = p.clearLimits(ctx, ledger)
	} else {
		err = p.showLimits(ctx, ledger)
	}
	return errors.Join(err, ledger.Close())
}

func (p *program) clearLimits(ctx context.Context, ledger limit.CounterLedger) error {
	if err := limit.ClearAll(ctx, ledger); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.stdout, "Nobody is limited any more. A running server follows within ten seconds.")
	return err
}

func (p *program) showLimits(ctx context.Context, ledger limit.CounterLedger) error {
	now := time.Now()
	limited, err := ledger.ListLimited(ctx, now, mostLimited)
	if err != nil {
		return err
	}
	if len(limited) == 0 {
		_, err := fmt.Fprintln(p.stdout, "Nobody is limited.")
		return err
	}
	table := p.table()
	_, _ = fmt.Fprintln(table, "LIMIT\tWHO\tSINCE\tFREE IN\tREFUSED")
	for _, counter := range limited {
		_, _ = fmt.Fprintf(table, "%s\t%q\t%s\t%s\t%d\n", counter.Class, counter.Subject,
			counter.Since.UTC().Format(time.RFC3339), limit.SpanWords(counter.Until.Sub(now)), counter.Refused)
	}
	return table.Flush()
}
