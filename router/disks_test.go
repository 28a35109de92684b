package router

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/disks"
	"berth/controller/retention"
	"berth/controller/room"
)

// fakeDisks is a disk in memory.
type fakeDisks struct {
	mu       sync.Mutex
	level    room.Level
	rules    retention.Rules
	progress disks.Progress
	cleaned  int
}

func newFakeDisks() *fakeDisks { return &fakeDisks{level: room.Enough, rules: retention.Default()} }

func (f *fakeDisks) Look(context.Context) (disks.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return disks.View{
		Disk:    room.State{Free: 50 << 30, Size: 100 << 30, Floors: room.FloorsOf(100 << 30), Level: f.level},
		Reserve: 32 << 20, Rules: f.rules, Progress: f.progress,
		Items: []disks.Item{
			{
				Kind: disks.KindImages, Title: "Images of releases", Rule: "The newest stay.", Unit: "images",
				Used: disks.Amount{Count: 3, Bytes: 30 << 20}, Free: disks.Amount{Count: 1, Bytes: 10 << 20},
				Apps: []disks.Share{{App: "hello", Used: disks.Amount{Count: 3, Bytes: 30 << 20}, Free: disks.Amount{Count: 1, Bytes: 10 << 20}}},
			},
			{Kind: disks.KindBuildCache, Title: "Build cache", Rule: "The engine's.", Uncounted: true},
			{Kind: disks.KindAudit, Title: "Audit log", Rule: "A year.", Unit: "entries", Used: disks.Amount{Count: 1}},
			{Kind: disks.KindVolumes, Title: "Volumes without an app", Rule: "They stay.", Unit: "volumes", Used: disks.Amount{Count: 1}, Names: []string{"left"}},
		},
	}, nil
}

func (f *fakeDisks) Level() room.Level {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.level
}

func (f *fakeDisks) Rules(context.Context) (retention.Rules, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rules, nil
}

func (f *fakeDisks) UpdateRules(_ context.Context, rules retention.Rules) error {
	if err := rules.Check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = rules
	return nil
}

func (f *fakeDisks) Clean(context.Context, time.Duration) disks.Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cleaned++
	f.progress = disks.Progress{
		Began: time.Now(), Ended: time.Now(), Done: 9, Of: 9,
		Freed: []disks.Freed{{Kind: disks.KindImages, Title: "Images of releases", Unit: "images", Amount: disks.Amount{Count: 1, Bytes: 10 << 20}}},
	}
	return f.progress
}

func TestDisks_ShowsWhatGrowsByAppAndWhatWouldBeFreed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	page := s.get(disksPath)
	for _, words := range []string{"50 GB of 100 GB are free", "3 images, 30 MB", "1 image, 10 MB", "hello:", "1 entry", "not known", `href="/volumes/left"`, `value="365"`} {
		if !strings.Contains(page.body, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
}

func TestDisks_CleanNowSaysWhatWasRemoved(t *testing.T) {
	t.Parallel()
	grown := newFakeDisks()
	s := newSite(t, func(o *Options) { o.Disks = grown })
	token := s.signIn()
	if answer := s.post(disksPath+"/clean", url.Values{formField: {token}}); answer.StatusCode != http.StatusSeeOther || grown.cleaned != 1 {
		t.Errorf("status %d, cleaned %d times", answer.StatusCode, grown.cleaned)
	}
	if page := s.get(disksPath); strings.Count(page.body, "Removed: Images of releases: 1 image, 10 MB.") != 2 { // the notice and the last clean-up
		t.Error("the page does not say what was removed")
	}
}

func TestDisks_SavesWhatIsKeptAndShowsEveryFaultAtItsField(t *testing.T) {
	t.Parallel()
	grown := newFakeDisks()
	s := newSite(t, func(o *Options) { o.Disks = grown })
	token := s.signIn()
	answer := s.post(disksPath, url.Values{formField: {token}, "releases": {"0"}, "audit_days": {"7"}, "log_days": {"x"}})
	if answer.StatusCode != http.StatusUnprocessableEntity && answer.StatusCode != http.StatusBadRequest || !strings.Contains(answer.body, `id="log_days-problem"`) {
		t.Errorf("status %d for words", answer.StatusCode)
	}
	answer = s.post(disksPath, url.Values{formField: {token}, "releases": {"0"}, "audit_days": {"7"}, "log_days": {"1"}})
	for _, words := range []string{`id="releases-problem"`, `id="audit_days-problem"`, `value="7"`} {
		if !strings.Contains(answer.body, words) {
			t.Errorf("the form has no %s", words)
		}
	}
	if grown.rules != retention.Default() {
		t.Errorf("kept are %+v", grown.rules)
	}
	s.post(disksPath, url.Values{formField: {token}, "releases": {"3"}, "audit_days": {"60"}, "log_days": {"0"}, "pulled_days": {"3"}, "cache_days": {"14"}, "cache_gb": {"20"}, "output_days": {"14"}})
	if want := (retention.Rules{Releases: 3, AuditDays: 60, PulledDays: 3, CacheDays: 14, CacheGB: 20, OutputDays: 14, EventDays: 90}); grown.rules != want {
		t.Errorf("kept are %+v", grown.rules)
	}
}

func TestDashboard_WarnsOfADiskWithLittleSpace(t *testing.T) {
	t.Parallel()
	grown := newFakeDisks()
	s := newSite(t, func(o *Options) { o.Disks = grown })
	s.signIn()
	for level, words := range map[room.Level]string{room.Low: "has little free space", room.Full: "refuses new uploads and builds"} {
		grown.level = level
		if page := s.get("/admin"); !strings.Contains(page.body, words) {
			t.Errorf("%s: the dashboard does not say %q", level, words)
		}
	}
	grown.level = room.Enough
	if page := s.get("/admin"); strings.Contains(page.body, "disksPath") || strings.Contains(page.body, "free space") {
		t.Error("the dashboard warns of nothing")
	}
}
