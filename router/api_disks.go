package router

import (
	"time"

	"berth/controller/app"
	"berth/controller/disks"
	"berth/controller/retention"
	"berth/controller/room"
)

// disksJSON is what grows on the disk, as the API shows it.
type disksJSON struct {
	Disk    diskJSON        `json:"disk"`
	Rules   retention.Rules `json:"rules"`
	Kinds   []growthJSON    `json:"kinds"`
	CleanUp *cleanUpJSON    `json:"clean_up"` // the last one; null where there was none since the start
}

type diskJSON struct {
	Free    uint64     `json:"free_bytes"`
	Size    uint64     `json:"size_bytes"`
	Warn    uint64     `json:"warn_below_bytes"`
	Refuse  uint64     `json:"refuse_below_bytes"` // new uploads and builds
	Level   room.Level `json:"level"`
	Reserve int64      `json:"reserve_bytes"` // of Berth's own records
}

type growthJSON struct {
	Kind  disks.Kind  `json:"kind"`
	Title string      `json:"title"`
	Rule  string      `json:"rule"`
	Unit  string      `json:"unit,omitempty"`
	Used  *amountJSON `json:"used"` // null where it is not known
	Free  amountJSON  `json:"would_free"`
	Apps  []shareJSON `json:"apps,omitempty"`
	Names []string    `json:"names,omitempty"` // of volumes without an app
}

type amountJSON struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"` // 0 where only the number is known
}

type shareJSON struct {
	App  app.Name   `json:"app"`
	Used amountJSON `json:"used"`
	Free amountJSON `json:"would_free"`
}

type cleanUpJSON struct {
	Running  bool        `json:"running"`
	Began    time.Time   `json:"began_at"`
	Ended    *time.Time  `json:"ended_at"`
	Step     string      `json:"step,omitempty"`
	Done     int         `json:"steps_done"`
	Of       int         `json:"steps"`
	Freed    []freedJSON `json:"freed"`
	Failures []string    `json:"failures"`
}

type freedJSON struct {
	Kind  disks.Kind `json:"kind"`
	Title string     `json:"title"`
	Unit  string     `json:"unit"`
	amountJSON
}

func (a *admin) disksJSON(v *visit, status int) error {
	view, err := a.disks.Look(v.context())
	if err != nil {
		return err
	}
	made := disksJSON{
		Disk:  diskJSON{view.Disk.Free, view.Disk.Size, view.Disk.Floors.Warn, view.Disk.Floors.Refuse, view.Disk.Level, view.Reserve},
		Rules: view.Rules, Kinds: []growthJSON{}, CleanUp: cleanUpJSONOf(view.Progress),
	}
	for _, item := range view.Items {
		made.Kinds = append(made.Kinds, growthJSONOf(item))
	}
	return v.json(status, made)
}

func growthJSONOf(item disks.Item) growthJSON {
	made := growthJSON{Kind: item.Kind, Title: item.Title, Rule: item.Rule, Unit: item.Unit, Free: amountJSON(item.Free), Names: item.Names}
	if !item.Uncounted {
		made.Used = &amountJSON{item.Used.Count, item.Used.Bytes}
	}
	for _, share := range item.Apps {
		made.Apps = append(made.Apps, shareJSON{share.App, amountJSON(share.Used), amountJSON(share.Free)})
	}
	return made
}

func cleanUpJSONOf(progress disks.Progress) *cleanUpJSON {
	if progress.Began.IsZero() {
		return nil
	}
	made := &cleanUpJSON{
		Running: progress.Running, Began: progress.Began, Step: progress.Step, Done: progress.Done, Of: progress.Of,
		Freed: []freedJSON{}, Failures: list(progress.Failures),
	}
	if !progress.Ended.IsZero() {
		made.Ended = &progress.Ended
	}
	for _, freed := range progress.Freed {
		made.Freed = append(made.Freed, freedJSON{freed.Kind, freed.Title, freed.Unit, amountJSON(freed.Amount)})
	}
	return made
}
