//go:build linux && cgo

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"berth/controller/audit"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
)

// runAudit checks or prints the audit log. It works beside a running server.
func runAudit(ctx context.Context, p *program, args []string) error {
	flags := newFlags("audit")
	file := flags.String("file", "", "with verify: a copy of audit.log to check instead of the one in the data folder")
	count := flags.Int("count", 50, "with list: how many entries, the newest first")
	settings := p.addConfigFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return &usageError{errors.New("berth server audit takes one of verify, list and export; see berth help server audit")}
	}
	config, logger, err := p.load(settings)
	if err != nil {
		return err
	}
	ledger, audit, err := openAudited(ctx, config, logger)
	if err != nil {
		return err
	}
	switch words[0] {
	case "verify":
		err = p.verifyAudit(ctx, audit, *file)
	case "list":
		err = p.listAudit(ctx, audit, *count)
	case "export":
		err = p.exportAudit(ctx, audit)
	default:
		err = &usageError{fmt.Errorf("berth server audit takes no %.60q, only verify, list and export", words[0])}
	}
	return errors.Join(err, ledger.Close())
}

// verifyAudit prints every finding, and fails where there is one.
func (p *program) verifyAudit(ctx context.Context, auditor *audit.Log, file string) error {
	verify, place := auditor.Verify, "audit.log"
	if file != "" {
		place = file
		verify = func(ctx context.Context) (audit.Verdict, error) { return auditor.VerifyCopy(ctx, file) }
	}
	verdict, err := verify(ctx)
	if err != nil {
		return err
	}
	for _, finding := range verdict.Findings {
		_, _ = fmt.Fprintln(p.stdout, finding)
	}
	if verdict.More > 0 {
		_, _ = fmt.Fprintf(p.stdout, "and %d findings more\n", verdict.More)
	}
	_, _ = fmt.Fprintf(p.stdout, "good entries: %d in the ledger, %d in %s\n", verdict.Entries, verdict.Lines, place)
	if verdict.Removed > 0 {
		_, _ = fmt.Fprintf(p.stdout, "removed after their time: entries 1 to %d\n", verdict.Removed)
	}
	if verdict.Whole() {
		_, _ = fmt.Fprintln(p.stdout, "Integrity OK")
		return nil
	}
	return problem.Conflict(
		fmt.Sprintf("Audit log integrity is broken: %d findings.", len(verdict.Findings)+verdict.More),
		"Find out who can write to the data folder. Where every entry is wrong, the key is another one: see SECRET_KEY.",
	)
}

func (p *program) listAudit(ctx context.Context, auditor *audit.Log, count int) error {
	entries, err := auditor.List(ctx, audit.Filter{}, audit.Page{Limit: max(1, count)})
	if err != nil {
		return err
	}
	table := p.table()
	for _, e := range entries {
		outcome := "ok"
		if !e.Success {
			outcome = "failed"
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			e.Sequence, e.Timestamp(), e.Action, outcome, e.Account, e.Address, e.Resource, e.Detail)
	}
	return table.Flush()
}

func (p *program) exportAudit(ctx context.Context, auditor *audit.Log) error {
	auditor.Record(ctx, audit.Event{
		Action: audit.ActionAuditExport, Success: true, Account: audit.CommandLine, Detail: "jsonl",
	})
	out := bufio.NewWriter(p.stdout)
	err := auditor.Each(ctx, audit.Filter{}, func(e audit.Entry) error {
		_, err := out.Write(e.Line())
		return err
	})
	return errors.Join(err, out.Flush())
}

// openAudited is openLedger with the audit log over it, for the commands that
// change something beside a server.
func openAudited(ctx context.Context, config Config, logger *slog.Logger) (*store.Store, *audit.Log, error) {
	ledger, err := openLedger(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	key, err := findKey(config, logger)
	if err != nil {
		return nil, nil, errors.Join(err, ledger.Close())
	}
	return ledger, newAuditLog(config, ledger, key, logger), nil
}

// findKey is openKey where there must be a key already: a new one would not
// continue the audit log of the server.
func findKey(config Config, logger *slog.Logger) (secret.Key, error) {
	file := filepath.Join(config.DataFolder, "secret.key")
	if _, err := os.Stat(file); config.SecretKey == "" && errors.Is(err, fs.ErrNotExist) {
		return secret.Key{}, problem.NotFound(
			fmt.Sprintf("There is no key in %s.", config.DataFolder),
			"Give this command the SECRET_KEY that berth serve has.",
		).Because(err)
	}
	return openKey(config, logger)
}

func newAuditLog(config Config, ledger *store.Store, key secret.Key, logger *slog.Logger) *audit.Log {
	return audit.NewLog(audit.Options{
		Ledger: ledger, Key: key.Derive("audit log"), File: filepath.Join(config.DataFolder, "audit.log"), Logger: logger,
	})
}
