package difference

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/egress"
	"berth/controller/plan"
)

// ran is a release of one service, whose archive has the hash.
func ran(number int64, sum string) app.Release {
	return app.Release{
		ReleaseID: app.ReleaseID{App: "shop", Number: number}, State: app.ReleaseSuperseded, ArchiveSHA256: sum,
		Settings: app.DefaultSettings(), Services: []app.ServiceRun{{Spec: app.DefaultSettings().PlanOptions().Service(), Main: true, Sole: true, Image: "sha256:1"}},
	}
}

// same is a pair of sides that do not differ.
func same() (from, to Side) { return Side{Release: ran(1, "x")}, Side{Release: ran(2, "x")} }

func between(t *testing.T, from, to Side) Difference {
	t.Helper()
	found, err := Between(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// opens gives the tree of an archive of names and contents, given in turn.
func opens(t *testing.T, files ...string) func() (*archive.Tree, error) {
	t.Helper()
	return func() (*archive.Tree, error) { return archivetest.App(t, files...), nil }
}

func TestBetween_FindsNothingWhereNothingDiffers(t *testing.T) {
	t.Parallel()
	from, to := same()
	if found := between(t, from, to); !found.None() || !found.Files.Compared || len(found.Notes) > 0 {
		t.Errorf("found %+v", found)
	}
}

func TestBetween_ListsFilesThatDifferByNameSizeOrContent(t *testing.T) {
	t.Parallel()
	from := Side{Release: ran(1, "x"), Open: opens(t, "same.txt", "one", "gone.txt", "gone", "edited.txt", "abc", "longer.txt", "1", "empty", "", "link@", "same.txt")}
	to := Side{Release: ran(2, "y"), Open: opens(t, "same.txt", "one", "folder/new.txt", "new!!", "edited.txt", "abd", "longer.txt", "12", "empty", "", "link@", "edited.txt")}
	found := between(t, from, to).Files
	want := []File{
		{"edited.txt", Changed, 3, 3}, {"folder/new.txt", Added, 0, 5}, {"gone.txt", Removed, 4, 0}, {"link", Changed, 0, 0}, {"longer.txt", Changed, 1, 2},
	}
	if !slices.Equal(found.List, want) || found.Added != 1 || found.Removed != 1 || found.Changed != 3 || found.Left() != 0 || !found.Compared {
		t.Errorf("found %+v", found)
	}
}

func TestBetween_CountsTheFilesThatItDoesNotList(t *testing.T) {
	t.Parallel()
	var files []string
	for i := range MostFiles + 7 {
		files = append(files, fmt.Sprintf("file%04d", i), "x")
	}
	found := between(t, Side{Release: ran(1, "x"), Open: opens(t, "a", "b")}, Side{Release: ran(2, "y"), Open: opens(t, append(files, "a", "b")...)}).Files
	if len(found.List) != MostFiles || found.Added != MostFiles+7 || found.Left() != 7 {
		t.Errorf("listed %d of %d", len(found.List), found.Added)
	}
}

func TestBetween_SaysWhyFilesCannotBeCompared(t *testing.T) {
	t.Parallel()
	kept := opens(t, "a", "b")
	gone := func() (*archive.Tree, error) { return nil, fmt.Errorf("open: %w", fs.ErrNotExist) }
	pulled := ran(2, "")
	pulled.Reference = "nginx:1"
	for _, c := range []struct {
		from, to Side
		want     string
	}{
		{Side{Release: ran(1, "x"), Open: gone}, Side{Release: ran(2, "y"), Open: kept}, "The archive of r1 is no longer kept"},
		{Side{Release: ran(1, "x"), Open: kept}, Side{Release: ran(2, "y"), Open: gone}, "The archive of r2 is no longer kept"},
		{Side{Release: ran(1, "x"), Open: kept}, Side{Release: pulled}, "r2 was made from the image nginx:1 and has no archive"},
	} {
		if found := between(t, c.from, c.to).Files; found.Compared || !strings.Contains(found.Note, c.want) {
			t.Errorf("found %+v, want %q", found, c.want)
		}
	}
}

func TestBetween_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Between(ctx, Side{Release: ran(1, "x"), Open: opens(t, "a", "b")}, Side{Release: ran(2, "y"), Open: opens(t, "a", "c")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBetween_ShowsTheRestWhereTheArchivesTakeTooLong(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	pulled := ran(2, "y")
	pulled.Services[0].Image = "sha256:2"
	found, err := Between(ctx, Side{Release: ran(1, "x"), Open: opens(t, "a", "b")}, Side{Release: pulled, Open: opens(t, "a", "c")})
	if err != nil || found.Files.Compared || !strings.Contains(found.Files.Note, "too large") || len(found.Images) != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestBetween_NamesVariablesAndShowsNoValue(t *testing.T) {
	t.Parallel()
	from, to := same()
	from.Variables = []app.Variable{{Name: "GONE", Value: "value-of-gone"}, {Name: "KEPT", Value: "value-of-kept"}, {Name: "KEY", Sealed: []byte("one")}, {Name: "MODE", Value: "value-before"}, {Name: "OPEN", Value: "was plain"}}
	to.Variables = []app.Variable{{Name: "KEPT", Value: "value-of-kept"}, {Name: "KEY", Sealed: []byte("two")}, {Name: "MODE", Value: "value-after"}, {Name: "NEW", Value: "value-of-new"}, {Name: "OPEN", Sealed: []byte("three")}}
	run := &to.Release.Services[0].Spec
	run.Environment = []string{"URL=value-after", "PLAIN=x"}
	run.Command = []string{"serve", "--mode=value-after", "--key=" + plan.SecretReference("KEY")}
	run.Labels = map[string]string{"auth": "value-of-a-label"}
	run.Files = []plan.File{{Path: "/etc/app.conf", Content: []byte("value-of-a-file")}}
	found := between(t, from, to)
	want := []Variable{{"", "GONE", Removed}, {"", "KEY", Changed}, {"", "MODE", Changed}, {"", "NEW", Added}, {"", "OPEN", Changed}, {"main", "PLAIN", Added}, {"main", "URL", Added}}
	if !slices.Equal(found.Variables, want) {
		t.Errorf("variables %v", found.Variables)
	}
	shown := fmt.Sprintf("%+v %+v", found.Variables, found.Settings)
	if strings.Contains(shown, "value-") || strings.Contains(shown, plan.ReferenceOpen) {
		t.Errorf("shows a value: %s", shown)
	}
	for _, text := range []string{"serve --mode=${MODE} --key=${KEY}", "label auth", "file /etc/app.conf"} {
		if !strings.Contains(shown, text) {
			t.Errorf("does not show %q: %s", text, shown)
		}
	}
}

func TestBetween_ComparesImagesByDigestOrID(t *testing.T) {
	t.Parallel()
	from, to := same()
	to.Release.Services[0].Image = "sha256:2"
	if found := between(t, from, to).Images; !slices.Equal(found, []Image{{"main", Changed, "sha256:1", "sha256:2"}}) {
		t.Errorf("found %v", found)
	}
	from.Release.Digest, to.Release.Digest = "sha256:d", "sha256:d"
	if found := between(t, from, to).Images; len(found) > 0 {
		t.Errorf("one digest is another image: %v", found)
	}
	to.Release.Services = append(to.Release.Services, app.ServiceRun{Spec: plan.Service{Name: "worker"}, Image: "sha256:3"})
	if found := between(t, from, to).Images; !slices.Equal(found, []Image{{"worker", Added, "", "sha256:3"}}) {
		t.Errorf("found %v", found)
	}
}

func TestBetween_ComparesOnlySettingsOfAReleaseThatWasNotPlanned(t *testing.T) {
	t.Parallel()
	from, to := same()
	to.Release.Services, to.Release.Settings.MemoryBytes = nil, 64<<20
	found := between(t, from, to)
	if len(found.Images) > 0 || !slices.Equal(found.Settings, []Setting{{Name: "memory", From: "512 MB", To: "64 MB"}}) || !strings.Contains(strings.Join(found.Notes, ""), "r2 ended before") {
		t.Errorf("found %+v", found)
	}
}

func TestBase_IsTheNewestEarlierReleaseThatRan(t *testing.T) {
	t.Parallel()
	var releases []app.Release
	for i, state := range []app.ReleaseState{app.ReleaseLive, app.ReleaseFailed, app.ReleaseSuperseded, app.ReleaseCancelled} {
		releases = append(releases, app.Release{ReleaseID: app.ReleaseID{App: "shop", Number: int64(4 - i)}, State: state})
	}
	for number, want := range map[int64]int64{4: 2, 3: 2, 2: 0, 1: 0, 9: 4} {
		if found := Base(releases, number); found.Number != want {
			t.Errorf("r%d is compared with r%d, want r%d", number, found.Number, want)
		}
	}
}

// serviceChanges change each field of a service. A field without a change here is not
// compared as a setting, and says why.
var serviceChanges = map[string]func(*plan.Service){
	"Name":        nil, // what it is found by
	"Build":       nil, // not kept in the ledger; the files say it
	"Environment": nil, // compared as variables
	"Links":       nil, // not kept in the ledger
	"Image":       func(s *plan.Service) { s.Image = "nginx" },
	"AlwaysPull":  func(s *plan.Service) { s.AlwaysPull = true },
	"Port":        nil, // that of the main service is a setting of the app
	"Internal":    func(s *plan.Service) { s.Internal = true },
	"Replicas":    func(s *plan.Service) { s.Replicas = 2 },
	"Limits":      func(s *plan.Service) { s.Limits.Processes++ },
	"Waivers":     func(s *plan.Service) { s.Waivers.Capabilities = []string{"CHOWN"} },
	"Command":     func(s *plan.Service) { s.Command = []string{"a"} },
	"Entrypoint":  func(s *plan.Service) { s.Entrypoint = []string{"a"} },
	"WorkingDir":  func(s *plan.Service) { s.WorkingDir = "/a" },
	"User":        func(s *plan.Service) { s.User = "1" },
	"Hostname":    func(s *plan.Service) { s.Hostname = "a" },
	"Labels":      func(s *plan.Service) { s.Labels = map[string]string{"a": ""} },
	"Stop":        func(s *plan.Service) { s.Stop.Grace = time.Second },
	"Restart":     func(s *plan.Service) { s.Restart.Mode = plan.Never },
	"Health":      func(s *plan.Service) { s.Health = &plan.Healthcheck{Test: []string{"NONE"}} },
	"DependsOn":   func(s *plan.Service) { s.DependsOn = []plan.Dependency{{Service: "db", Condition: plan.Healthy}} },
	"Aliases":     func(s *plan.Service) { s.Aliases = []string{"a"} },
	"ExtraHosts":  func(s *plan.Service) { s.ExtraHosts = []string{"a:1.1.1.1"} },
	"Sysctls":     func(s *plan.Service) { s.Sysctls = map[string]string{"net.core.somaxconn": "9"} },
	"Mounts":      func(s *plan.Service) { s.Mounts = []plan.Mount{{Volume: "data", Target: "/data"}} },
	"Tmpfs":       func(s *plan.Service) { s.Tmpfs = []plan.Tmpfs{{Target: "/cache", Bytes: 1 << 20}} },
	"Files":       func(s *plan.Service) { s.Files = []plan.File{{Path: "/a"}} },
	"ShmBytes":    func(s *plan.Service) { s.ShmBytes = 1 << 20 },

	"ReservedBytes": func(s *plan.Service) { s.ReservedBytes = 1 << 20 },
	"Ulimits":       func(s *plan.Service) { s.Ulimits = []plan.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}} },
	"DropBind":      func(s *plan.Service) { s.DropBind = true },
	"WithoutInit":   func(s *plan.Service) { s.WithoutInit = true },
	"Scratch":       func(s *plan.Service) { s.Scratch = []string{"/a"} },
	"Site":          func(s *plan.Service) { s.Site = true },
}

func TestBetween_ComparesEveryFieldOfAService(t *testing.T) {
	t.Parallel()
	for field := range reflect.TypeFor[plan.Service]().Fields() {
		change, known := serviceChanges[field.Name]
		if !known {
			t.Errorf("%s is not compared", field.Name)
		}
		if change == nil {
			continue
		}
		from, to := same()
		change(&to.Release.Services[0].Spec)
		if found := between(t, from, to).Settings; len(found) != 1 || found[0].Service != plan.MainService {
			t.Errorf("%s: found %v", field.Name, found)
		}
	}
}

func TestBetween_ComparesEverySettingOfAnApp(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*app.Settings){
		"Port":             func(s *app.Settings) { s.Port = 8080 },
		"MemoryBytes":      nil, // limits and security exceptions are those of the services
		"NanoCPUs":         nil,
		"Processes":        nil,
		"WritableRoot":     nil,
		"Database":         nil,
		"DatabaseServices": func(s *app.Settings) { s.DatabaseServices = "db" },
		"Fallback":         func(s *app.Settings) { s.Fallback = true },
		"Choices":          func(s *app.Settings) { s.Choices.Main = "web" },
		"Readiness":        func(s *app.Settings) { s.Readiness.Path = "/ready" },
		"Egress":           func(s *app.Settings) { s.Egress.Mode = egress.None },
	} {
		if _, known := reflect.TypeFor[app.Settings]().FieldByName(name); !known {
			t.Errorf("there is no setting %s", name)
		}
		if change == nil {
			continue
		}
		from, to := same()
		change(&to.Release.Settings)
		if found := between(t, from, to).Settings; len(found) != 1 || found[0].Service != "" {
			t.Errorf("%s: found %v", name, found)
		}
	}
	if count := reflect.TypeFor[app.Settings]().NumField(); count != 11 {
		t.Errorf("there are %d settings, and this test knows 11", count)
	}
}
