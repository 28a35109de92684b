package docker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
	"berth/controller/plan"
)

func TestIdentify_GivesNumbersAlone(t *testing.T) {
	found := accounts{
		passwd: accountFile{there: true, text: "root:x:0:0::/:\napp:x:1500:1600::/:\n0:x:77:77::/:\n"},
		group:  accountFile{there: true, text: "root:x:0:app\nteam:x:1700:other,app\n88:x:0:\nnone:x:1800:\n"},
	}
	for user, want := range map[string]string{
		"app": "1500:1600 0,1700", "1500": "1500:1600 0,1700", "app:team": "1500:1700 ", "1500:9": "1500:9 ", "4242": "4242:0 ",
		"65534:65534": "65534:65534 ", "": "0:0 ", "root": "0:0 ", "0": "0:0 ", "1500:88": "1500:88 ",
	} {
		who, err := found.identify(user)
		if got := who.user() + " " + strings.Join(who.groups, ","); err != nil || got != want {
			t.Errorf("%q runs as %q, %v; want %q", user, got, err, want)
		}
	}
	for _, user := range []string{"ghost", "app:ghost", "-1", "99999999999"} {
		if _, err := found.identify(user); err == nil {
			t.Errorf("%q is known", user)
		}
	}
}

// look is an image of the engine: what is at each of its paths.
type look map[string]container.PathStat

func (l look) answer(w http.ResponseWriter, r *http.Request) {
	stat, there := l[r.URL.Query().Get("path")]
	if !there {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	text, _ := json.Marshal(stat)
	w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString(text))
}

func TestReadAccounts_NeverOpensWhatIsNoFile(t *testing.T) {
	folder := container.PathStat{Mode: fs.ModeDir}
	pipe := container.PathStat{Mode: fs.ModeNamedPipe}
	to := func(target string) container.PathStat {
		return container.PathStat{Mode: fs.ModeSymlink, LinkTarget: target}
	}
	for name, test := range map[string]struct {
		image look
		words string
	}{
		"a named pipe": {look{"/etc": folder, "/etc/passwd": pipe}, "/etc/passwd is a named pipe"},
		// The engine would open it while it packs the other one.
		"a named pipe as group": {look{"/etc": folder, "/etc/passwd": {Size: 20}, "/etc/group": pipe}, "/etc/group is a named pipe"},
		"a device":              {look{"/etc": folder, "/etc/passwd": {Mode: fs.ModeDevice | fs.ModeCharDevice}}, "a device"},
		"a socket":              {look{"/etc": folder, "/etc/passwd": {Mode: fs.ModeSocket}}, "a socket"},
		"a folder":              {look{"/etc": folder, "/etc/passwd": folder}, "a folder"},
		"a huge file":           {look{"/etc": folder, "/etc/passwd": {Size: 1 << 40}}, "larger than"},
		"links to a pipe": {
			look{"/etc": to("/a"), "/a": folder, "/a/passwd": to("/b/pipe"), "/b": folder, "/b/pipe": pipe}, "leads to /b/pipe, is a named pipe",
		},
		"a circle of links": {look{"/etc": folder, "/etc/passwd": to("/etc/passwd")}, "too many symbolic links"},
	} {
		t.Run(name, func(t *testing.T) {
			engine, fake := openFake(t, map[string]http.HandlerFunc{
				"POST /containers/create":       dockertest.AnswerJSON(map[string]string{"Id": "seen"}),
				"HEAD /containers/seen/archive": test.image.answer,
				"DELETE /containers/seen":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
			})
			_, err := engine.readAccounts(t.Context(), "sha256:image", nil)
			refused, ok := errors.AsType[*plan.Refusal](err)
			if !ok || !strings.Contains(refused.Reason, test.words) || refused.Hint == "" {
				t.Errorf("got %v, want a refusal with %q", err, test.words)
			}
			for _, call := range []string{"GET /containers/seen/archive", "POST /containers/seen/start"} {
				if fake.WasAsked(call) {
					t.Errorf("asked for %s", call)
				}
			}
			if !fake.WasAsked("DELETE /containers/seen") || engine.Works("seen") {
				t.Error("the container that was looked at stays")
			}
		})
	}
}

func TestCheckTargets_RefusesLinksOverAccountsAndIntoTheSystem(t *testing.T) {
	plain := accounts{passwd: accountFile{place: "/etc/passwd"}, group: accountFile{place: "/etc/group"}}
	for target, test := range map[string]struct {
		accounts accounts
		place    string
		refused  bool
	}{
		"/data":           {plain, "/data", false},
		"/var/run/app":    {plain, "/run/app", false},
		"/etc/nginx":      {plain, "/etc/nginx", false},
		"/srv":            {plain, "/etc/ssl", true},
		"/logs":           {plain, "/proc/1", true},
		"/all":            {plain, "/", true},
		"/etc":            {plain, "/etc", true},
		"/volume":         {accounts{passwd: accountFile{place: "/volume/passwd"}}, "/volume", true},
		"/volume/":        {accounts{group: accountFile{place: "/volume/a/group"}}, "/volume", true},
		"/link-to-volume": {accounts{passwd: accountFile{place: "/volume/passwd"}}, "/volume", true},
	} {
		found := test.accounts
		found.targets = map[string]string{target: test.place}
		_, refused := errors.AsType[*plan.Refusal](found.checkTargets([]string{target}))
		if refused != test.refused {
			t.Errorf("%s, which is %s: refused is %v", target, test.place, refused)
		}
	}
}

func TestCheckNotRoot_KnowsRootAmongTheProcesses(t *testing.T) {
	for uid, root := range map[string]bool{"0": true, "1000": false, "65534": false} {
		engine, _ := openFake(t, map[string]http.HandlerFunc{
			"GET /containers/app/top": dockertest.AnswerJSON(container.TopResponse{
				Titles: []string{"PID", "UID"}, Processes: [][]string{{"10", "65534"}, {"11", uid}},
			}),
		})
		if err := engine.checkNotRoot(t.Context(), "app"); errors.Is(err, errRoot) != root {
			t.Errorf("user %s: %v", uid, err)
		}
	}
}

func TestAccessories_ListEveryKindButHelpersAtWork(t *testing.T) {
	labels := func(role string) map[string]string {
		return map[string]string{link.LabelStack: "berth", link.LabelRole: role, link.LabelApp: "shop", link.LabelRelease: "3"}
	}
	busy := ""
	engine, _ := openFake(t, map[string]http.HandlerFunc{
		"POST /containers/create": func(w http.ResponseWriter, r *http.Request) {
			busy = "/" + r.URL.Query().Get("name")
			dockertest.AnswerJSON(map[string]string{"Id": "busy"})(w, r)
		},
		"GET /containers/json": func(w http.ResponseWriter, r *http.Request) {
			dockertest.AnswerJSON([]container.Summary{
				{ID: "app", Names: []string{"/berth-shop-r3"}, Labels: labels(link.RoleApp)},
				{ID: "keeper", Names: []string{"/berth-shop-r3.secrets"}, Labels: labels(link.RoleSecrets)},
				{ID: "lost", Names: []string{"/berth-helper-lost"}, Labels: labels(link.RoleHelper)},
				{ID: "busy", Names: []string{busy}, Labels: labels(link.RoleHelper)},
			})(w, r)
		},
		"GET /volumes": dockertest.AnswerJSON(map[string]any{"Volumes": []map[string]any{{"Name": "berth-shop-r3.secrets", "Labels": labels(link.RoleSecrets)}}}),
		"GET /images/json": dockertest.AnswerJSON([]map[string]any{
			{"Id": "files", "Labels": labels(link.RoleFiles)}, {"Id": "built", "Labels": labels(link.RoleBuild)}, {"Id": "helper", "Labels": labels(link.RoleHelper)},
		}),
	})
	if _, err := engine.CreateHelper(t.Context(), &container.Config{}, &container.HostConfig{}); err != nil {
		t.Fatal(err)
	}
	found, err := engine.Accessories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, one := range found {
		kinds = append(kinds, string(one.Kind)+" "+one.ID)
		if one.App != "shop" || one.Release != 3 {
			t.Errorf("%+v", one)
		}
	}
	want := []string{"keeper of secrets keeper", "helper lost", "volume for secrets berth-shop-r3.secrets", "image with files files", "built image built"}
	if !slices.Equal(kinds, want) {
		t.Errorf("found %q, want %q", kinds, want)
	}
	if found[0].Instance != "berth-shop-r3" || found[2].Instance != "berth-shop-r3" {
		t.Errorf("the instance of %+v and %+v", found[0], found[2])
	}
}
