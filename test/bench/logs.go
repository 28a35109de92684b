package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"berth/controller/logs"
	"berth/controller/logs/journal"
)

const (
	logsBytes    = 1 << 30 // of text
	logsPageGoal = 2 * time.Second
	logsRateGoal = 100_000 // lines a second
	logsPageSize = 400
)

// measureLogs: a log of 1 GB is written as fast as it can be, and then its first page is
// shown, with and without a search, found or not.
func (b *bench) measureLogs() error {
	folder, err := os.MkdirTemp("", "berth-logs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	kept, err := journal.Open(journal.Options{
		Folder: folder, Days: func(context.Context) int { return 0 }, MostApp: 4 << 30, MostAll: 4 << 30, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b.ctx)
	ended := make(chan error, 1)
	go func() { ended <- kept.Run(ctx) }()
	began := time.Now()
	lines, err := fillLog(b.ctx, kept)
	rate := float64(lines) / time.Since(began).Seconds()
	stop()
	if err := <-ended; err != nil {
		return err
	}
	if err != nil {
		return err
	}
	b.report(rate > logsRateGoal, "%.0f lines a second are kept (goal %d)", rate, logsRateGoal)
	for what, q := range map[string]logs.Query{"all": {}, "a rare text": {Text: "needle in"}, "a text that is not there": {Text: "no such text"}, "errors": {Level: logs.Error}} {
		slowest := time.Duration(0)
		for range b.rounds {
			began := time.Now()
			newest, err := kept.Newest("hello", q)
			if err != nil {
				return err
			}
			if _, err := kept.Older(b.ctx, "hello", q, newest, logsPageSize); err != nil {
				return err
			}
			slowest = max(slowest, time.Since(began))
		}
		b.report(slowest < logsPageGoal, "the first page of 1 GB of logs, %s: %s at most (goal %s)", what, milliseconds(slowest), logsPageGoal)
	}
	return nil
}

func fillLog(ctx context.Context, kept *journal.Journal) (lines int, err error) {
	writer := kept.Writer("hello", "web")
	defer writer.Close(ctx)
	at := time.Now().Add(-time.Hour)
	for written := 0; written < logsBytes; lines++ {
		text := fmt.Sprintf(`{"level":"info","id":%d,"path":"/orders/%d","took":%d,"agent":"%s"}`, lines, lines*7919%100_000, lines*31%997, strings.Repeat("browser ", lines%12))
		if lines%1_000_000 == 0 {
			text += " needle in a haystack"
		}
		line := logs.Line{At: at.Add(time.Duration(lines) * time.Microsecond), Level: logs.LevelOf(text), Release: 1, Instance: "0123456789ab", Text: text}
		if err := writer.Add(ctx, line); err != nil {
			return lines, err
		}
		written += len(text)
	}
	return lines, nil
}
