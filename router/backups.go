package router

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berth/controller/backup"
	"berth/controller/problem"
	"berth/controller/secret"
)

// Backups makes backups of the server. Its methods ask the ledger and nothing else, but
// for Update, which tries the place.
type Backups interface {
	View(context.Context) (backup.View, error)
	Update(context.Context, backup.Wish) error
	Start(ctx context.Context, by string) error
	StartDrill(ctx context.Context, by string) error
	Progress() *backup.Progress
}

const backupsPath = "/settings/backups"

// The fields of the form that package backup does not name.
const (
	fieldScheduled = "scheduled"
	fieldDaily     = "daily"
	fieldWeekly    = "weekly"
	fieldMonthly   = "monthly"
	fieldSkipped   = "skipped"
	fieldPrefix    = "prefix"
	fieldRegion    = "region"
	fieldAccessKey = "access_key"
	fieldDrill     = "drill"
	fieldPlace     = "place" // which of the two; without it, all fields count
)

const bytesInMB = 1 << 20

type backupsPage struct {
	frame
	backup.View
	Form      map[string]string // as typed, else as it is
	Problems  fieldProblems
	HasSecret bool
	State     badge
	Rate      int64
	Left      time.Duration
	Proof     badge
	Ended     bool // what the open page followed
}

// Wrong is the problem of a field.
func (p backupsPage) Wrong(field string) *problem.Problem { return p.Problems[field] }

func (a *admin) showBackups(v *visit) error {
	view, err := a.backups.View(v.context())
	if err != nil {
		return err
	}
	form := formOf(view.Settings)
	if public := v.request().URL.Query().Get(backup.FieldRecipients); public != "" {
		form[backup.FieldRecipients] = public
	}
	return a.backupsForm(v, view, form, fieldProblems{})
}

// streamBackups sends how far the backup or the drill is, until it has ended.
func (a *admin) streamBackups(v *visit) error {
	shown := ""
	return a.watch(v, watching{pause: time.Second, every: 2 * time.Second}, func(stream *eventStream) (bool, error) {
		page := backupsPage{frame: v.frame("Backups")}
		if page.Progress = a.backups.Progress(); page.Progress == nil {
			page.Ended = true
		} else {
			page.Rate, page.Left = page.Progress.Rate(a.now()), page.Progress.Left(a.now()).Round(time.Second)
		}
		html, err := v.fragment("backups", "backup-progress", page)
		if err != nil || html == shown {
			return false, err
		}
		shown = html
		if err := stream.send("progress", "", html); err != nil || !page.Ended {
			return false, err
		}
		return true, stream.send("gone", "", "")
	})
}

func (a *admin) backupsForm(v *visit, view backup.View, form map[string]string, problems fieldProblems) error {
	page := backupsPage{frame: v.frame("Backups"), View: view, Form: form, Problems: problems, HasSecret: len(view.Settings.Place.Sealed) > 0, State: stateOfBackups(view, a.now()), Proof: proofOf(view, a.now())}
	if view.Progress != nil {
		page.Rate, page.Left = view.Progress.Rate(a.now()), view.Progress.Left(a.now()).Round(time.Second)
	}
	page.Section, page.Tab, page.Problem = "settings", "backups", problems[""]
	return v.page(problems.status(), "backups", page)
}

// backupAges are when the last backup was made, and when one was last proven.
func (a *admin) backupAges(v *visit) (made, proven time.Time, err error) {
	view, err := a.backups.View(v.context())
	if err != nil {
		return made, proven, err
	}
	if view.Last != nil {
		made = view.Last.BeganAt
	}
	for _, run := range view.Drills {
		if run.State == backup.Done {
			return made, run.BeganAt, nil
		}
	}
	return made, proven, nil
}

// lateAfter is how old the last backup of a schedule may be.
const lateAfter = 26 * time.Hour

func stateOfBackups(view backup.View, now time.Time) badge {
	switch {
	case !view.Settings.Ready():
		return badge{Word: "off", Tone: "warn"}
	case view.Progress != nil:
		return badge{Word: "under way", Tone: "good"}
	case view.Last == nil:
		return badge{Word: "none yet", Tone: "bad"}
	case view.Runs[0].State == backup.Failed:
		return badge{Word: "failed", Tone: "bad"}
	case len(view.Runs[0].Warnings) > 0:
		return badge{Word: "warnings", Tone: "warn"}
	case view.Settings.Scheduled && now.Sub(view.Last.BeganAt) > lateAfter:
		return badge{Word: "late", Tone: "bad"}
	default:
		return badge{Word: "good", Tone: "good"}
	}
}

// proofOf says how the last drill is.
func proofOf(view backup.View, now time.Time) badge {
	switch {
	case view.Settings.Drill == nil:
		return badge{Word: "off", Tone: "warn"}
	case len(view.Drills) == 0:
		return badge{Word: "none yet", Tone: "warn"}
	case view.Drills[0].State == backup.Failed:
		return badge{Word: "failed", Tone: "bad"}
	case now.Sub(view.Drills[0].BeganAt) > 2*backup.ProveEvery:
		return badge{Word: "late", Tone: "bad"}
	default:
		return badge{Word: "proven", Tone: "good"}
	}
}

// updateBackups sets backups up: 303 to their page.
func (a *admin) updateBackups(v *visit) error {
	form := v.request().PostForm
	wish, problems := wishOf(form)
	if len(problems) == 0 {
		var err error
		if problems, err = fileProblems(a.backups.Update(v.context(), wish)); err != nil {
			return err
		}
	}
	if fault := problems[backup.FieldFolder]; fault != nil && form.Get(fieldPlace) == placeBucket {
		delete(problems, backup.FieldFolder) // neither is named
		problems[backup.FieldEndpoint] = problem.Invalid(fault.Message, fault.Hint).At(backup.FieldEndpoint)
	}
	if len(problems) > 0 {
		return a.refuseOnBackups(v, problems)
	}
	v.done.resource, v.done.detail = "backups", "to "+wish.Place.String()
	if err := v.notify("Backups are set up. Make the first one now, and try a restore on another machine."); err != nil {
		return err
	}
	return v.seeOther(backupsPath)
}

// refuseOnBackups shows the form with what was typed.
func (a *admin) refuseOnBackups(v *visit, problems fieldProblems) error {
	view, err := a.backups.View(v.context())
	if err != nil {
		return err
	}
	typed, form := make(map[string]string), v.request().PostForm
	for name := range form {
		typed[name] = form.Get(name)
	}
	return a.backupsForm(v, view, typed, problems)
}

// startBackup makes a backup now.
func (a *admin) startBackup(v *visit) error {
	return a.beginBackup(v, a.backups.Start, "The backup has begun.")
}

// startDrill proves the newest backup now.
func (a *admin) startDrill(v *visit) error {
	return a.beginBackup(v, a.backups.StartDrill, "The drill has begun.")
}

func (a *admin) beginBackup(v *visit, begin func(context.Context, string) error, said string) error {
	problems := fieldProblems{}
	if err := problems.add(begin(v.context(), v.caller.name())); err != nil {
		return err
	}
	if len(problems) > 0 {
		view, err := a.backups.View(v.context())
		if err != nil {
			return err
		}
		return a.backupsForm(v, view, formOf(view.Settings), problems)
	}
	v.done.resource = "backups"
	if err := v.notify(said); err != nil {
		return err
	}
	return v.seeOther(backupsPath)
}

type backupKeyPage struct {
	frame
	Private string
	Public  string
	Next    string // the form with the public key
}

// createBackupKey answers with the one page that ever shows the private key. The server
// keeps neither half: the person gives it the public one.
func (a *admin) createBackupKey(v *visit) error {
	private, public, err := backup.NewKey()
	if err != nil {
		return err
	}
	page := backupKeyPage{
		frame: v.frame("Key of the backups"), Private: private.Reveal(), Public: public,
		Next: backupsPath + "?" + url.Values{backup.FieldRecipients: {public}}.Encode() + "#setup",
	}
	page.Section, page.Tab = "settings", "backups"
	v.done.resource, v.done.detail = "backups", public
	return v.page(http.StatusOK, "backup_key", page)
}

// formOf is the form of what is stored.
func formOf(s backup.Settings) map[string]string {
	if !s.Ready() {
		s.Keep, s.Hour, s.Zone, s.Scheduled = backup.DefaultKeep(), 3, "UTC", true
	}
	form := map[string]string{
		backup.FieldFolder: s.Place.Folder, backup.FieldEndpoint: s.Place.Endpoint, backup.FieldBucket: s.Place.Bucket,
		fieldPrefix: s.Place.Prefix, fieldRegion: s.Place.Region, fieldAccessKey: s.Place.AccessKey,
		backup.FieldRecipients: s.Recipients, backup.FieldTime: fmt.Sprintf("%02d:%02d", s.Hour, s.Minute), backup.FieldZone: s.Zone,
		fieldDaily: strconv.Itoa(s.Keep.Daily), fieldWeekly: strconv.Itoa(s.Keep.Weekly), fieldMonthly: strconv.Itoa(s.Keep.Monthly),
		backup.FieldRate: "", fieldSkipped: strings.Join(s.Skipped, " "),
	}
	if s.Scheduled {
		form[fieldScheduled] = "1"
	}
	if s.Drill != nil {
		form[fieldDrill] = "1"
	}
	if s.Rate > 0 {
		form[backup.FieldRate] = strconv.FormatFloat(float64(s.Rate)/bytesInMB, 'f', -1, 64)
	}
	return form
}

// wishOf reads the form. Problems are of numbers alone; package backup checks the rest.
func wishOf(form url.Values) (backup.Wish, fieldProblems) {
	problems := fieldProblems{}
	number := func(name string) int {
		made, err := strconv.Atoi(strings.TrimSpace(form.Get(name)))
		if err != nil && form.Get(name) != "" {
			problems[backup.FieldKeep] = problem.Invalid("This is not a number of backups.", "Write a number such as 7.").At(backup.FieldKeep)
		}
		return made
	}
	trimmed := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	wish := backup.Wish{
		Place: backup.Place{
			Folder: trimmed(backup.FieldFolder), Endpoint: trimmed(backup.FieldEndpoint), Bucket: trimmed(backup.FieldBucket),
			Prefix: trimmed(fieldPrefix), Region: trimmed(fieldRegion), AccessKey: trimmed(fieldAccessKey),
		},
		Secret: secret.Text(trimmed(backup.FieldSecret)), Recipients: form.Get(backup.FieldRecipients), Scheduled: form.Get(fieldScheduled) != "", Drill: form.Get(fieldDrill) != "",
		Time: trimmed(backup.FieldTime), Zone: trimmed(backup.FieldZone), Skipped: strings.Fields(form.Get(fieldSkipped)),
		Keep: backup.Keep{Daily: number(fieldDaily), Weekly: number(fieldWeekly), Monthly: number(fieldMonthly)},
	}
	switch form.Get(fieldPlace) { // what was typed for the other one does not count
	case placeFolder:
		wish.Place, wish.Secret = backup.Place{Folder: wish.Place.Folder}, ""
	case placeBucket:
		wish.Place.Folder = ""
	}
	if text := trimmed(backup.FieldRate); text != "" {
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil || !(rate >= 0 && rate < 1<<20) {
			problems[backup.FieldRate] = problem.Invalid("This is not a bandwidth.", "Write MB a second, such as 5, or nothing for no bound.").At(backup.FieldRate)
		}
		wish.Rate = int64(rate * bytesInMB)
	}
	return wish, problems
}
