package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/pause"
	"berth/controller/problem"
	"berth/controller/retention"
	"berth/templates"
)

const (
	disksTimeout = time.Minute
	cleanTimeout = 30 * time.Minute
	cleanPause   = time.Second // between two looks at a clean-up
	apiDisks     = "/api/v1/disks"
)

// disksAnswer is what the API says of the server's disk, as far as it is needed here.
type disksAnswer struct {
	Disk struct {
		Free   int64  `json:"free_bytes"`
		Size   int64  `json:"size_bytes"`
		Refuse int64  `json:"refuse_below_bytes"`
		Level  string `json:"level"`
	} `json:"disk"`
	Rules retention.Rules `json:"rules"`
	Kinds []struct {
		Title string        `json:"title"`
		Unit  string        `json:"unit"`
		Used  *amountAnswer `json:"used"`
		Free  amountAnswer  `json:"would_free"`
		Apps  []struct {
			App  string       `json:"app"`
			Used amountAnswer `json:"used"`
			Free amountAnswer `json:"would_free"`
		} `json:"apps"`
		Names []string `json:"names"`
	} `json:"kinds"`
	CleanUp *struct {
		Running bool   `json:"running"`
		Step    string `json:"step"`
		Done    int    `json:"steps_done"`
		Of      int    `json:"steps"`
		Freed   []struct {
			Title string `json:"title"`
			Unit  string `json:"unit"`
			amountAnswer
		} `json:"freed"`
		Failures []string `json:"failures"`
	} `json:"clean_up"`
}

type amountAnswer struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// words are such as "3 images, 120 MB"; "-" for nothing.
func (a amountAnswer) words(unit string) string {
	var parts []string
	if unit != "" && a.Count > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", a.Count, unit))
	}
	if a.Bytes > 0 {
		parts = append(parts, templates.Bytes(a.Bytes))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// runDisks shows what grows on the server's disk, cleans it, and changes what is kept.
func runDisks(ctx context.Context, p *program, args []string) error {
	flags := newFlags("disks")
	line := p.addLineFlags(flags)
	typed := map[string]*string{
		retention.FieldReleases: flags.String("releases", "", "with keep: how many releases of each app stay, with their images"),
		retention.FieldAudit:    flags.String("audit-days", "", "with keep: days of audit log, 30 at least; 0: for ever"),
		retention.FieldLogs:     flags.String("log-days", "", "with keep: days of build and release logs; 0: for ever"),
		retention.FieldPulled:   flags.String("pulled-days", "", "with keep: days of pulled images that no release needs; 0: for ever"),
		retention.FieldCache:    flags.String("cache-days", "", "with keep: days of build cache, also that of builds that are not Berth's; 0: Berth removes none"),
		retention.FieldCacheGB:  flags.String("cache-gb", "", "with keep: GB of build cache that always stay"),
		retention.FieldOutput:   flags.String("output-days", "", "with keep: days of what apps print, and of the requests to them; 0: for ever"),
		retention.FieldEvents:   flags.String("event-days", "", "with keep: days of events; 0: the newest 200,000"),
	}
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	act := p.showDisks
	switch {
	case len(words) == 0 || slices.Equal(words, []string{"list"}):
	case slices.Equal(words, []string{"clean"}):
		act = p.cleanDisks
	case slices.Equal(words, []string{"keep"}):
		body, err := keptWish(typed)
		if err != nil {
			return err
		}
		act = func(ctx context.Context, api *client) error { return p.keepOnDisks(ctx, api, body) }
	default:
		return &usageError{errors.New("berth disks takes one of list, clean and keep; see berth help disks")}
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	return act(ctx, api)
}

// keptWish is the body that changes what was typed, and nothing else.
func keptWish(typed map[string]*string) (map[string]int, error) {
	body := map[string]int{}
	for field, text := range typed {
		if *text == "" {
			continue
		}
		number, err := strconv.Atoi(*text)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--%s %.40q is not a whole number", strings.ReplaceAll(field, "_", "-"), *text)}
		}
		body[field] = number
	}
	if len(body) == 0 {
		return nil, &usageError{errors.New("berth disks keep takes one of --releases, --audit-days, --log-days, --output-days, --event-days, --pulled-days, --cache-days and --cache-gb")}
	}
	return body, nil
}

func (p *program) showDisks(ctx context.Context, api *client) error {
	ctx, cancel := context.WithTimeout(ctx, disksTimeout)
	defer cancel()
	var answer disksAnswer
	if err := api.find(ctx, apiDisks, &answer); err != nil {
		return err
	}
	return p.show(api, func() error { return p.printDisks(answer) })
}

func (p *program) keepOnDisks(ctx context.Context, api *client, body map[string]int) error {
	ctx, cancel := context.WithTimeout(ctx, disksTimeout)
	defer cancel()
	var answer disksAnswer
	if err := api.sendJSON(ctx, http.MethodPatch, apiDisks, body, &answer); err != nil {
		return err
	}
	return p.show(api, func() error { return p.printRules(answer.Rules) })
}

func (p *program) printRules(rules retention.Rules) error {
	days := func(number int) string {
		if number == 0 {
			return "for ever"
		}
		return fmt.Sprintf("for %d days", number)
	}
	cache := "all build cache that the engine keeps"
	if rules.CacheDays > 0 {
		cache = fmt.Sprintf("%d GB of build cache, and the rest for %d days", rules.CacheGB, rules.CacheDays)
	}
	_, err := fmt.Fprintf(p.stdout, "Kept: %d releases of each app, the audit log %s, build and release logs %s, pulled images %s, %s, logs of apps %s, events %s\n",
		rules.Releases, days(rules.AuditDays), days(rules.LogDays), days(rules.PulledDays), cache, days(rules.OutputDays), days(rules.EventDays))
	return err
}

func (p *program) printDisks(answer disksAnswer) error {
	disk := answer.Disk
	_, _ = fmt.Fprintf(p.stdout, "Free: %s of %s\n", templates.Bytes(disk.Free), templates.Bytes(disk.Size))
	switch disk.Level {
	case "full":
		_, _ = fmt.Fprintf(p.stderr, "Warning: the disk is nearly full. Below %s Berth refuses new uploads and builds.\n", templates.Bytes(disk.Refuse))
	case "low":
		_, _ = fmt.Fprintln(p.stderr, "Warning: the disk has little free space.")
	}
	_ = p.printRules(answer.Rules)
	table := p.table()
	_, _ = fmt.Fprintln(table, "\nWHAT\tUSES\tCLEAN FREES")
	for _, kind := range answer.Kinds {
		used := "not known"
		if kind.Used != nil {
			used = kind.Used.words(kind.Unit)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", kind.Title, used, kind.Free.words(kind.Unit))
		for _, share := range kind.Apps {
			_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", share.App, share.Used.words(kind.Unit), share.Free.words(kind.Unit))
		}
		for _, name := range kind.Names {
			_, _ = fmt.Fprintf(table, "  %s\t\t\n", name)
		}
	}
	return table.Flush()
}

// cleanDisks begins a clean-up and waits for its end, with a line for each step.
func (p *program) cleanDisks(ctx context.Context, api *client) error {
	ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
	defer cancel()
	var answer disksAnswer
	if err := api.sendJSON(ctx, http.MethodPost, apiDisks+"/clean", nil, &answer); err != nil {
		return err
	}
	for shown := ""; answer.CleanUp != nil && answer.CleanUp.Running; {
		if step := answer.CleanUp.Step; step != shown {
			shown = step
			_, _ = fmt.Fprintf(p.stderr, "step %d of %d: %s\n", answer.CleanUp.Done+1, answer.CleanUp.Of, step)
		}
		if err := pause.For(ctx, cleanPause); err != nil {
			return err
		}
		if err := api.find(ctx, apiDisks, &answer); err != nil {
			return err
		}
	}
	return p.printCleaned(answer)
}

func (p *program) printCleaned(answer disksAnswer) error {
	if answer.CleanUp == nil {
		return problem.Unavailable("The server was started again during the clean-up.", "Run berth disks clean again.")
	}
	if len(answer.CleanUp.Freed) == 0 {
		_, _ = fmt.Fprintln(p.stdout, "Nothing had to be removed.")
	}
	for _, freed := range answer.CleanUp.Freed {
		_, _ = fmt.Fprintf(p.stdout, "Removed: %s: %s\n", freed.Title, freed.words(freed.Unit))
	}
	_, _ = fmt.Fprintf(p.stdout, "Free: %s of %s\n", templates.Bytes(answer.Disk.Free), templates.Bytes(answer.Disk.Size))
	if failures := answer.CleanUp.Failures; len(failures) > 0 {
		return problem.Conflict(strings.Join(failures, " "), "The rest was cleaned.")
	}
	return nil
}
