package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berth/controller/disks"
	"berth/controller/problem"
	"berth/controller/retention"
	"berth/controller/room"
	"berth/controller/volume"
	"berth/templates"
)

// Disks shows what grows on the server's disk, and cleans it.
type Disks interface {
	Look(context.Context) (disks.View, error)
	Level() room.Level
	Rules(context.Context) (retention.Rules, error)
	UpdateRules(context.Context, retention.Rules) error
	// Clean waits for the end, but not longer than patience; the clean-up goes on.
	Clean(ctx context.Context, patience time.Duration) disks.Progress
}

const (
	disksPath = "/settings/disks"
	// cleanPatience is how long a form or a call waits for the end of a clean-up.
	cleanPatience = 5 * time.Second
)

type disksPage struct {
	frame
	disks.View
	Sizes  diskSizes
	Level  badge
	Rows   []diskRow
	Typed  map[string]string // into the fields of the rules
	Wrongs fieldProblems
}

// Wrong is the problem of the field, for the template; nil where there is none.
func (p disksPage) Wrong(field string) *problem.Problem { return p.Wrongs[field] }

// diskRow is one kind of what grows.
type diskRow struct {
	disks.Item
	Uses, Frees string // in words; empty for nothing
	ByApp       []diskShare
	Links       []volumeLink
}

type diskShare struct{ App, Uses, Frees string }

type volumeLink struct{ Name, Path string }

func (a *admin) showDisks(v *visit) error { return a.disksForm(v, nil, fieldProblems{}) }

func (a *admin) disksForm(v *visit, typed url.Values, problems fieldProblems) error {
	view, err := a.disks.Look(v.context())
	if err != nil {
		return err
	}
	page := disksPage{frame: v.frame("Disks"), View: view, Sizes: diskSizesOf(view.Disk), Level: levelBadge(view.Disk.Level), Wrongs: problems, Typed: map[string]string{
		retention.FieldReleases: strconv.Itoa(view.Rules.Releases), retention.FieldAudit: strconv.Itoa(view.Rules.AuditDays),
		retention.FieldLogs: strconv.Itoa(view.Rules.LogDays), retention.FieldPulled: strconv.Itoa(view.Rules.PulledDays),
		retention.FieldCache: strconv.Itoa(view.Rules.CacheDays), retention.FieldCacheGB: strconv.Itoa(view.Rules.CacheGB), retention.FieldOutput: strconv.Itoa(view.Rules.OutputDays), retention.FieldEvents: strconv.Itoa(view.Rules.EventDays),
	}}
	for field := range page.Typed {
		if typed.Has(field) {
			page.Typed[field] = typed.Get(field)
		}
	}
	for _, item := range view.Items {
		page.Rows = append(page.Rows, diskRowOf(item))
	}
	page.Section, page.Tab, page.Problem = "settings", "disks", problems[""]
	return v.page(problems.status(), "disks", page)
}

func diskRowOf(item disks.Item) diskRow {
	row := diskRow{Item: item, Uses: amountWords(item.Used, item.Unit), Frees: amountWords(item.Free, item.Unit)}
	for _, share := range item.Apps {
		row.ByApp = append(row.ByApp, diskShare{string(share.App), amountWords(share.Used, item.Unit), amountWords(share.Free, item.Unit)})
	}
	for _, name := range item.Names {
		row.Links = append(row.Links, volumeLink{name, volumePath(volume.Name(name))})
	}
	return row
}

// amountWords words an amount, such as "3 images, 120 MB"; empty for nothing.
func amountWords(amount disks.Amount, unit string) string {
	var words []string
	if unit != "" && amount.Count > 0 {
		if one, several := strings.CutSuffix(unit, "ies"); amount.Count == 1 && several {
			unit = one + "y"
		} else if amount.Count == 1 {
			unit = strings.TrimSuffix(unit, "s")
		}
		words = append(words, fmt.Sprintf("%d %s", amount.Count, unit))
	}
	if amount.Bytes > 0 {
		words = append(words, templates.Bytes(amount.Bytes))
	}
	return strings.Join(words, ", ")
}

func levelBadge(level room.Level) badge {
	switch level {
	case room.Full:
		return badge{Word: "full", Tone: toneBad}
	case room.Low:
		return badge{Word: "low", Tone: toneWarn}
	default:
		return badge{Word: "enough space", Tone: toneGood}
	}
}

// updateDisks changes what is kept: 303 to the page.
func (a *admin) updateDisks(v *visit) error {
	rules, err := a.disks.Rules(v.context())
	if err != nil {
		return err
	}
	typed := v.request().PostForm
	rules, err = retention.Parse(rules, typed.Get)
	if faults, refused := errors.AsType[problem.Problems](err); refused {
		v.done.detail = "refused"
		problems := fieldProblems{}
		for _, fault := range faults {
			problems[fault.Field] = fault
		}
		return a.disksForm(v, typed, problems)
	}
	if err == nil {
		err = a.keepRules(v, rules)
	}
	if err != nil {
		return err
	}
	if err := v.notify("Saved. What is not kept any more is removed within the hour, or with Clean now."); err != nil {
		return err
	}
	return v.seeOther(disksPath)
}

func (a *admin) keepRules(v *visit, rules retention.Rules) error {
	v.done.detail = fmt.Sprintf("%d releases, %d days of audit log, %d days of logs, %d days of pulled images, %d days of build cache above %d GB, %d days of output, %d days of events",
		rules.Releases, rules.AuditDays, rules.LogDays, rules.PulledDays, rules.CacheDays, rules.CacheGB, rules.OutputDays, rules.EventDays)
	return a.disks.UpdateRules(v.context(), rules)
}

// cleanDisks removes what is not kept: 303 to the page, which shows how far it is.
func (a *admin) cleanDisks(v *visit) error {
	progress := a.disks.Clean(v.context(), cleanPatience)
	v.done.detail = cleanedWords(progress)
	if err := v.notify(v.done.detail); err != nil {
		return err
	}
	return v.seeOther(disksPath)
}

// cleanedWords says how far a clean-up is, or what it has removed.
func cleanedWords(progress disks.Progress) string {
	var removed []string
	for _, freed := range progress.Freed {
		removed = append(removed, freed.Title+": "+amountWords(freed.Amount, freed.Unit))
	}
	words := "Nothing had to be removed."
	if len(removed) > 0 {
		words = "Removed: " + strings.Join(removed, "; ") + "."
	}
	switch {
	case progress.Running:
		return fmt.Sprintf("The clean-up is running: step %d of %d, %s.", progress.Done+1, progress.Of, progress.Step)
	case len(progress.Failures) > 0:
		return words + " " + strings.Join(progress.Failures, " ")
	default:
		return words
	}
}

// diskSizes are the sizes of the disk in words.
type diskSizes struct{ Free, Size, Warn, Refuse string }

func diskSizesOf(disk room.State) diskSizes {
	words := func(bytes uint64) string { return templates.Bytes(int64(bytes)) }
	return diskSizes{words(disk.Free), words(disk.Size), words(disk.Floors.Warn), words(disk.Floors.Refuse)}
}

// CleanUp words the last clean-up; empty where there was none.
func (p disksPage) CleanUp() string {
	if p.Progress.Began.IsZero() {
		return ""
	}
	return cleanedWords(p.Progress)
}

// oneProblem is all problems of a body in one, for an answer that has room for one.
func oneProblem(err error) error {
	faults, several := errors.AsType[problem.Problems](err)
	if !several || len(faults) < 2 {
		return err
	}
	var messages, hints []string
	for _, fault := range faults {
		messages, hints = append(messages, fault.Message), append(hints, fault.Hint)
	}
	return problem.Invalid(strings.Join(messages, " "), strings.Join(hints, " ")).At(faults[0].Field)
}

// apiDisks is where the API shows what grows.
const apiDisks = "/api/v1/disks"

// apiCleanDisks answers 200 with the whole at the end of the clean-up, or 202 while it
// goes on.
func (a *admin) apiCleanDisks(v *visit) error {
	progress := a.disks.Clean(v.context(), cleanPatience)
	v.done.detail = cleanedWords(progress)
	status := http.StatusOK
	if progress.Running {
		status = http.StatusAccepted
	}
	return a.disksJSON(v, status)
}

func (a *admin) apiShowDisks(v *visit) error { return a.disksJSON(v, http.StatusOK) }

// apiUpdateDisks changes the rules that the body names, and answers with the whole.
func (a *admin) apiUpdateDisks(v *visit) error {
	rules, err := a.disks.Rules(v.context())
	if err != nil {
		return err
	}
	if err := decodeJSON(v.request(), &rules, `{"releases": 5, "audit_days": 365, "log_days": 90, "pulled_days": 7, "cache_days": 0, "cache_gb": 10, "output_days": 30, "event_days": 90}`); err != nil {
		return err
	}
	if err := a.keepRules(v, rules); err != nil {
		return oneProblem(err)
	}
	return a.disksJSON(v, http.StatusOK)
}
