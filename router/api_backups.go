package router

import (
	"fmt"
	"net/http"
	"time"

	"berth/controller/backup"
	"berth/controller/backup/trial"
	"berth/controller/secret"
)

const apiBackups = "/api/v1/backups"

// backupJSON is one run as the API shows it.
type backupJSON struct {
	Set      string    `json:"set,omitempty"`
	BeganAt  time.Time `json:"began_at"`
	Seconds  int64     `json:"seconds"`
	By       string    `json:"by"`
	State    string    `json:"state"`
	Bytes    int64     `json:"bytes"`
	Sent     int64     `json:"sent_bytes"`
	Reason   string    `json:"reason,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
}

// drillJSON is one drill as the API shows it.
type drillJSON struct {
	Set     string    `json:"set,omitempty"`
	BeganAt time.Time `json:"began_at"`
	Seconds int64     `json:"seconds"`
	By      string    `json:"by"`
	State   string    `json:"state"`
	Bytes   int64     `json:"bytes"`
	Volumes int       `json:"volumes"`
	Apps    int       `json:"apps"`
	Entries int       `json:"audit_entries"`
	Reason  string    `json:"reason,omitempty"`
	// Started are the apps that the drill has started, or has not.
	Started []startedJSON `json:"started,omitempty"`
}

// startedJSON is an app of a drill.
type startedJSON struct {
	App     string  `json:"app"`
	Release int64   `json:"release,omitempty"`
	State   string  `json:"state"` // started, stopped or failed
	Seconds float64 `json:"seconds,omitempty"`
	Reason  string  `json:"reason,omitempty"`
}

// backupProgressJSON is how far a backup is.
type backupProgressJSON struct {
	BeganAt time.Time `json:"began_at"`
	By      string    `json:"by"`
	Drill   bool      `json:"drill"`
	Part    string    `json:"part"`
	Read    int64     `json:"read_bytes"`
	Sent    int64     `json:"sent_bytes"`
	Total   int64     `json:"total_bytes"` // of the last backup; 0 where there was none
	Rate    int64     `json:"bytes_per_second"`
	Left    int64     `json:"seconds_left"`
}

// backupSettingsJSON is what a client sends; the secret is never in an answer.
type backupSettingsJSON struct {
	Folder     string      `json:"folder"`
	Endpoint   string      `json:"endpoint"`
	Bucket     string      `json:"bucket"`
	Prefix     string      `json:"prefix"`
	Region     string      `json:"region"`
	AccessKey  string      `json:"access_key"`
	SecretKey  string      `json:"secret_key,omitempty"`
	Recipients string      `json:"recipients"`
	Scheduled  bool        `json:"scheduled"`
	Time       string      `json:"time"`
	Zone       string      `json:"zone"`
	Keep       backup.Keep `json:"keep"`
	Rate       int64       `json:"bytes_per_second"`
	Skipped    []string    `json:"skipped"`
	Drill      bool        `json:"drill"`
}

// backupsJSON is the latest runs, and what is under way.
type backupsJSON struct {
	Ready    bool                `json:"ready"`
	Place    string              `json:"place,omitempty"`
	Progress *backupProgressJSON `json:"progress"` // null: none is under way
	Backups  []backupJSON        `json:"backups"`
	Drills   []drillJSON         `json:"drills"`
}

// beganJSON is the empty answer to what has only begun.
type beganJSON struct{}

// apiListBackups answers with the latest runs, the newest first, and what is under way.
func (a *admin) apiListBackups(v *visit) error {
	view, err := a.backups.View(v.context())
	if err != nil {
		return err
	}
	answer := backupsJSON{
		Ready: view.Settings.Ready(), Place: view.Settings.Place.String(), Backups: make([]backupJSON, 0, len(view.Runs)), Drills: drillsJSON(view.Drills),
	}
	for _, run := range view.Runs {
		answer.Backups = append(answer.Backups, backupJSON{
			string(run.Set), run.BeganAt, int64(run.Took.Seconds()), run.By, string(run.State), run.Bytes, run.Sent, run.Reason, run.Warnings,
		})
	}
	if p := view.Progress; p != nil {
		answer.Progress = &backupProgressJSON{p.BeganAt, p.By, p.Drill, p.Part, p.Read, p.Sent, p.Total, p.Rate(a.now()), int64(p.Left(a.now()).Seconds())}
	}
	return v.json(http.StatusOK, answer)
}

func drillsJSON(runs []backup.DrillRun) []drillJSON {
	all := make([]drillJSON, 0, len(runs))
	for _, run := range runs {
		all = append(all, drillJSON{
			string(run.Set), run.BeganAt, int64(run.Took.Seconds()), run.By, string(run.State), run.Bytes, run.Volumes, run.Apps, run.Entries, run.Reason, startsJSON(run.Started),
		})
	}
	return all
}

func startsJSON(results []trial.Result) []startedJSON {
	all := make([]startedJSON, 0, len(results))
	for _, one := range results {
		state := "started"
		switch {
		case one.Reason != "":
			state = "failed"
		case one.Stopped:
			state = "stopped"
		}
		all = append(all, startedJSON{string(one.App), one.Release, state, one.Took.Seconds(), one.Reason})
	}
	return all
}

// apiStartDrill answers 202: the drill is in the list once it has ended.
func (a *admin) apiStartDrill(v *visit) error {
	if err := a.backups.StartDrill(v.context(), v.caller.name()); err != nil {
		return err
	}
	v.done.resource = "backups"
	return v.json(http.StatusAccepted, beganJSON{})
}

// apiStartBackup answers 202: the backup is in the list once it has ended.
func (a *admin) apiStartBackup(v *visit) error {
	if err := a.backups.Start(v.context(), v.caller.name()); err != nil {
		return err
	}
	v.done.resource = "backups"
	return v.json(http.StatusAccepted, beganJSON{})
}

// apiShowBackupSettings shows how backups are set up.
func (a *admin) apiShowBackupSettings(v *visit) error {
	view, err := a.backups.View(v.context())
	if err != nil {
		return err
	}
	s := view.Settings
	return v.json(http.StatusOK, backupSettingsJSON{
		Folder: s.Place.Folder, Endpoint: s.Place.Endpoint, Bucket: s.Place.Bucket, Prefix: s.Place.Prefix, Region: s.Place.Region, AccessKey: s.Place.AccessKey,
		Recipients: s.Recipients, Scheduled: s.Scheduled, Time: fmt.Sprintf("%02d:%02d", s.Hour, s.Minute), Zone: s.Zone,
		Keep: s.Keep, Rate: s.Rate, Skipped: list(s.Skipped), Drill: s.Drill != nil,
	})
}

// apiUpdateBackups sets backups up.
func (a *admin) apiUpdateBackups(v *visit) error {
	var wish backupSettingsJSON
	if err := decodeJSON(v.request(), &wish, `{"folder": "/backups", "recipients": "age1...", "keep": {"daily": 7}}`); err != nil {
		return err
	}
	err := a.backups.Update(v.context(), backup.Wish{
		Place: backup.Place{
			Folder: wish.Folder, Endpoint: wish.Endpoint, Bucket: wish.Bucket, Prefix: wish.Prefix, Region: wish.Region, AccessKey: wish.AccessKey,
		},
		Secret: secret.Text(wish.SecretKey), Recipients: wish.Recipients, Scheduled: wish.Scheduled, Time: wish.Time, Zone: wish.Zone,
		Keep: wish.Keep, Rate: wish.Rate, Skipped: wish.Skipped, Drill: wish.Drill,
	})
	if err != nil {
		return err
	}
	v.done.resource = "backups"
	return v.emptyAnswer()
}
