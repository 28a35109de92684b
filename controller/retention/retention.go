// Package retention says how long releases, the audit log, events and the logs of releases are kept: settings of the server.
package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"berth/controller/problem"
)

// Rules say what is kept.
type Rules struct {
	// Releases is how many releases of each app stay ready for a rollback, with their
	// images; the live one is counted.
	Releases int `json:"releases"`
	// AuditDays is for how many days entries of the audit log are kept; 0 is for ever.
	AuditDays int `json:"audit_days"`
	// LogDays is for how many days the log of a release is kept after its last line; 0 is
	// for ever. The log of each app's newest release stays.
	LogDays int `json:"log_days"`
	// PulledDays is for how many days an image that Berth pulled stays after its last use,
	// where no release names it; 0 is for ever.
	PulledDays int `json:"pulled_days"`
	// CacheDays is after how many days without use Berth removes a part of the engine's
	// build cache; 0 is never. It may be a part of builds that Berth did not make.
	CacheDays int `json:"cache_days"`
	// CacheGB is how much of the build cache stays in any case, in GB.
	CacheGB int `json:"cache_gb"`
	// OutputDays is for how many days is kept what apps print, and the requests to them; 0 is for ever.
	OutputDays int `json:"output_days"`
	// EventDays is for how many days events are kept; 0 is until there are too many.
	EventDays int `json:"event_days"`
}

// Default is what holds until a person says otherwise.
func Default() Rules {
	return Rules{Releases: 5, AuditDays: 365, LogDays: 90, EventDays: 90, OutputDays: 30, PulledDays: 7, CacheGB: 10}
}

// The bounds of rules.
const (
	MostReleases   = 50 // as many as an app's page lists
	LeastAuditDays = 30 // so that an attacker in the admin app cannot remove the traces at once
	MostDays       = 3650
	MostCacheGB    = 10_000
)

// The fields of a form, and of the API's body.
const (
	FieldReleases = "releases"
	FieldAudit    = "audit_days"
	FieldLogs     = "log_days"
	FieldPulled   = "pulled_days"
	FieldCache    = "cache_days"
	FieldCacheGB  = "cache_gb"
	FieldOutput   = "output_days"
	FieldEvents   = "event_days"
)

// Check returns all that is wrong with the rules as problem.Problems, each at its field.
func (r Rules) Check() error {
	var faults problem.Problems
	wrong := func(field, message, hint string) {
		faults = append(faults, problem.Invalid(message, hint).At(field))
	}
	if r.Releases < 1 || r.Releases > MostReleases {
		wrong(FieldReleases, fmt.Sprintf("%d is not a number of releases to keep.", r.Releases), fmt.Sprintf("Keep 1 to %d.", MostReleases))
	}
	const ever = "to keep them for ever"
	for _, kept := range []struct {
		field       string
		days, least int
		what, them  string
		zero        string // what 0 does
	}{
		{FieldAudit, r.AuditDays, LeastAuditDays, "The audit log", "it", "to keep it for ever"},
		{FieldLogs, r.LogDays, 1, "Logs of releases", "them", ever},
		{FieldEvents, r.EventDays, 1, "Events", "them", "to keep the newest 200,000"},
		{FieldOutput, r.OutputDays, 1, "Logs of apps", "them", ever},
		{FieldPulled, r.PulledDays, 1, "Pulled images", "them", ever},
		{FieldCache, r.CacheDays, 1, "The build cache", "it", "and Berth removes none of it"},
	} {
		if kept.days != 0 && (kept.days < kept.least || kept.days > MostDays) {
			wrong(kept.field, fmt.Sprintf("%s cannot be kept for %d days.", kept.what, kept.days),
				fmt.Sprintf("Keep %s for %d to %d days, or write 0 %s.", kept.them, kept.least, MostDays, kept.zero))
		}
	}
	if r.CacheGB < 0 || r.CacheGB > MostCacheGB {
		wrong(FieldCacheGB, fmt.Sprintf("%d GB of build cache cannot be kept.", r.CacheGB), fmt.Sprintf("Keep 0 to %d GB.", MostCacheGB))
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// Parse reads rules as a form has them, and checks them. An empty text leaves what was.
func Parse(was Rules, text func(field string) string) (Rules, error) {
	var faults problem.Problems
	read := func(field string, into *int) {
		typed := strings.TrimSpace(text(field))
		if typed == "" {
			return
		}
		number, err := strconv.Atoi(typed)
		if err != nil {
			faults = append(faults, problem.Invalid(fmt.Sprintf("%.40q is not a whole number.", typed), "Write digits alone, such as 5.").At(field))
			return
		}
		*into = number
	}
	read(FieldReleases, &was.Releases)
	read(FieldAudit, &was.AuditDays)
	read(FieldLogs, &was.LogDays)
	read(FieldPulled, &was.PulledDays)
	read(FieldCache, &was.CacheDays)
	read(FieldCacheGB, &was.CacheGB)
	read(FieldOutput, &was.OutputDays)
	read(FieldEvents, &was.EventDays)
	if len(faults) > 0 {
		return Rules{}, faults
	}
	return was, was.Check()
}

// Ledger keeps the rules as one setting.
type Ledger interface {
	FindSetting(ctx context.Context, key string) (string, error) // problem.ErrNotFound where it was never set
	UpdateSetting(ctx context.Context, key, value string) error
}

const settingKey = "retention"

// Book reads and changes the rules. It is safe for concurrent use.
type Book struct{ Ledger Ledger }

// Find returns the rules that hold.
func (b Book) Find(ctx context.Context) (Rules, error) {
	text, err := b.Ledger.FindSetting(ctx, settingKey)
	if errors.Is(err, problem.ErrNotFound) {
		return Default(), nil
	}
	if err != nil {
		return Rules{}, err
	}
	rules := Default()
	if err := json.Unmarshal([]byte(text), &rules); err != nil {
		return Rules{}, fmt.Errorf("read retention: %w", err)
	}
	return rules, rules.Check()
}

// Update makes the rules hold from now on.
func (b Book) Update(ctx context.Context, rules Rules) error {
	if err := rules.Check(); err != nil {
		return err
	}
	text, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("write retention: %w", err)
	}
	return b.Ledger.UpdateSetting(ctx, settingKey, string(text))
}

// OutputDays is the rule of the logs of apps. Where it cannot be read, they are kept.
func (b Book) OutputDays(ctx context.Context) int {
	rules, err := b.Find(ctx)
	if err != nil {
		return 0
	}
	return rules.OutputDays
}

// Releases is the rule of releases. Where it cannot be read, as many are kept as may be:
// nothing is removed by an error.
func (b Book) Releases(ctx context.Context) int {
	rules, err := b.Find(ctx)
	if err != nil {
		return MostReleases
	}
	return rules.Releases
}
