package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"

	"berth/controller/app"
)

// volumeTimeout bounds what berth volume waits for: volumes are counted meanwhile.
const volumeTimeout = time.Minute

// volumeAnswer is what the API says of a volume, as far as it is needed here.
type volumeAnswer struct {
	Name        string     `json:"name"`
	Stored      *int64     `json:"stored_bytes"` // null where it was not counted
	Quota       int64      `json:"quota"`
	Default     bool       `json:"quota_is_default"`
	StopsAppsAt *time.Time `json:"stops_apps_at"`
	Users       []string   `json:"users"`
}

// runVolume shows the volumes, and changes the quota of one.
func runVolume(ctx context.Context, p *program, args []string) error {
	flags := newFlags("volume")
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	list := len(words) == 0 || slices.Equal(words, []string{"list"})
	if !list && (len(words) != 3 || words[0] != "quota") {
		return &usageError{errors.New("berth volumes takes list, or quota with the name of a volume and a size; see berth help volumes")}
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, volumeTimeout)
	defer cancel()
	if list {
		var answer struct{ Volumes []volumeAnswer }
		if err := api.find(ctx, "/api/v1/volumes", &answer); err != nil {
			return err
		}
		return p.show(api, func() error { return p.printVolumes(answer.Volumes) })
	}
	return p.changeQuota(ctx, api, words[1], words[2])
}

// changeQuota gives a volume the quota that was typed; "default" is the setting's.
func (p *program) changeQuota(ctx context.Context, api *client, name, size string) error {
	volume, err := app.ParseVolumeName(name)
	if err != nil {
		return &usageError{err}
	}
	if size == "default" {
		size = ""
	}
	if _, err := app.ParseQuota(size); err != nil {
		return &usageError{err}
	}
	var answer volumeAnswer
	err = api.sendJSON(ctx, http.MethodPost, "/api/v1/volumes/"+string(volume)+"/quota", map[string]any{"quota": size}, &answer)
	if err != nil {
		return err
	}
	return p.show(api, func() error { return p.printVolumes([]volumeAnswer{answer}) })
}

// printVolumes prints the volumes, and warns of those that are over their quota.
func (p *program) printVolumes(answers []volumeAnswer) error {
	table := p.table()
	_, _ = fmt.Fprintln(table, "VOLUME\tUSED\tQUOTA\tMOUNTED BY")
	for _, one := range answers {
		used, quota := "not counted", "none"
		if one.Stored != nil {
			used = units.CustomSize("%.4g%s", float64(*one.Stored), 1024, []string{"", "k", "m", "g", "t"})
		}
		if one.Quota > 0 {
			quota = app.QuotaText(one.Quota)
		}
		if one.Quota > 0 && one.Default {
			quota += " (default)"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", one.Name, used, quota, strings.Join(one.Users, ", "))
		if one.StopsAppsAt != nil {
			_, _ = fmt.Fprintf(p.stderr, "Warning: %s is over its quota: what writes into it is stopped at %s. Delete files from it or give it a larger quota.\n",
				one.Name, one.StopsAppsAt.UTC().Format(time.RFC3339))
		}
	}
	return table.Flush()
}
