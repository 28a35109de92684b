package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/docker/go-units"

	"berth/controller/pause"
)

const (
	backupsPath = "/api/v1/backups"
	backupPoll  = 2 * time.Second
)

// backupsAnswer is what the API says of backups, as far as it is needed here.
type backupsAnswer struct {
	Progress *struct {
		Part  string `json:"part"`
		Read  int64  `json:"read_bytes"`
		Total int64  `json:"total_bytes"`
		Rate  int64  `json:"bytes_per_second"`
		Left  int64  `json:"seconds_left"`
	} `json:"progress"`
	Backups []backupAnswer `json:"backups"`
	Drills  []drillAnswer  `json:"drills"`
}

type drillAnswer struct {
	Set     string    `json:"set"`
	BeganAt time.Time `json:"began_at"`
	State   string    `json:"state"`
	Bytes   int64     `json:"bytes"`
	Volumes int       `json:"volumes"`
	Apps    int       `json:"apps"`
	Reason  string    `json:"reason"`
	Started []struct {
		State string `json:"state"`
	} `json:"started"`
}

// started counts the apps that the drill has started.
func (d drillAnswer) started() (count int) {
	for _, one := range d.Started {
		if one.State == "started" {
			count++
		}
	}
	return count
}

type backupAnswer struct {
	Set      string    `json:"set"`
	BeganAt  time.Time `json:"began_at"`
	State    string    `json:"state"`
	Bytes    int64     `json:"bytes"`
	Sent     int64     `json:"sent_bytes"`
	Reason   string    `json:"reason"`
	Warnings []string  `json:"warnings"`
}

// runBackup asks a server for a backup now and waits for its end, or lists the latest.
func runBackup(ctx context.Context, p *program, args []string) error {
	flags := newFlags("backup")
	line := p.addLineFlags(flags)
	list := flags.Bool("list", false, "show the latest backups, and make none")
	drill := len(args) > 0 && args[0] == "drill"
	if drill {
		args = args[1:]
	}
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	var before backupsAnswer
	if err := api.find(ctx, backupsPath, &before); err != nil {
		return err
	}
	if *list {
		return p.show(api, func() error { return p.printBackups(before) })
	}
	if drill {
		return p.drill(ctx, api, before)
	}
	if err := api.sendJSON(ctx, http.MethodPost, backupsPath, struct{}{}, nil); err != nil {
		return err
	}
	return p.followBackup(ctx, api, before)
}

// followBackup waits for a backup that was not there before.
func (p *program) followBackup(ctx context.Context, api *client, before backupsAnswer) error {
	now, err := p.followBackups(ctx, api, func(now backupsAnswer) bool {
		return len(now.Backups) > 0 && (len(before.Backups) == 0 || now.Backups[0].BeganAt.After(before.Backups[0].BeganAt))
	})
	if err != nil {
		return err
	}
	return p.endBackup(now.Backups[0])
}

// drill asks for a drill and waits for its end.
func (p *program) drill(ctx context.Context, api *client, before backupsAnswer) error {
	if err := api.sendJSON(ctx, http.MethodPost, backupsPath+"/drill", struct{}{}, nil); err != nil {
		return err
	}
	now, err := p.followBackups(ctx, api, func(now backupsAnswer) bool {
		return len(now.Drills) > 0 && (len(before.Drills) == 0 || now.Drills[0].BeganAt.After(before.Drills[0].BeganAt))
	})
	if err != nil {
		return err
	}
	made := now.Drills[0]
	if made.State != "done" {
		return errors.New(made.Reason)
	}
	_, err = fmt.Fprintf(p.stdout, "Proved %s: %s, %d volumes, %d apps of which %d started.\n",
		made.Set, units.HumanSize(float64(made.Bytes)), made.Volumes, made.Apps, made.started())
	return err
}

// followBackups prints how far it is until it has ended.
func (p *program) followBackups(ctx context.Context, api *client, ended func(backupsAnswer) bool) (now backupsAnswer, err error) {
	for {
		if err := pause.For(ctx, backupPoll); err != nil {
			return backupsAnswer{}, err
		}
		now = backupsAnswer{}
		if err := api.find(ctx, backupsPath, &now); err != nil {
			return backupsAnswer{}, err
		}
		if ended(now) {
			return now, nil
		}
		if at := now.Progress; at != nil {
			_, _ = fmt.Fprintf(p.stderr, "%s: %s read, %s/s, %s left\n", at.Part, units.HumanSize(float64(at.Read)), units.HumanSize(float64(at.Rate)),
				time.Duration(at.Left)*time.Second)
		}
	}
}

func (p *program) endBackup(made backupAnswer) error {
	for _, warning := range made.Warnings {
		_, _ = fmt.Fprintln(p.stderr, "Warning: "+warning)
	}
	if made.State != "done" {
		return errors.New(made.Reason)
	}
	_, err := fmt.Fprintf(p.stdout, "Backed up as %s: %s, of which %s were sent.\n", made.Set, units.HumanSize(float64(made.Bytes)), units.HumanSize(float64(made.Sent)))
	return err
}

func (p *program) printBackups(answer backupsAnswer) error {
	table := p.table()
	_, _ = fmt.Fprintln(table, "BEGAN\tSTATE\tSIZE\tSENT\tBACKUP")
	for _, one := range answer.Backups {
		name := one.Set
		if name == "" {
			name = one.Reason
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", one.BeganAt.UTC().Format(time.RFC3339), one.State,
			units.HumanSize(float64(one.Bytes)), units.HumanSize(float64(one.Sent)), name)
	}
	return table.Flush()
}
