package router

import (
	"fmt"
	"net/http"
	"testing"

	"berth/controller"
	"berth/controller/app"
)

func TestUpload_ANewAppBringsItsLimitsAndVolumes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var wish controller.Upload
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		wish = u
		return aRelease("hello", 1, app.ReleaseQueued), nil
	}
	send := func(more ...part) answer {
		return s.upload("/api/v1/apps", deployToken, append([]part{{"name", "hello", ""}, {"route", "/hello", ""}, {"image", anImage, ""}}, more...)...)
	}
	for name, more := range map[string]part{
		"a target": {"mounts", `[{"volume": "data", "target": "/proc"}]`, ""},
		"a list":   {"mounts", `{"volume": "data"}`, ""},
		"a volume": {"mounts", `[{"volume": "No Name", "target": "/data"}]`, ""},
		"a limit":  {"memory", "lots", ""},
	} {
		if answer := send(more); answer.StatusCode != http.StatusUnprocessableEntity || decode(t, answer.body)["field"] == "" {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.body)
		}
	}
	answer := send(part{"memory", "128", ""}, part{"port", "3000", ""}, part{"mounts", `[{"volume": "data", "target": "/data"}, {"volume": "more", "target": "/more", "read_only": true}]`, ""})
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if got := fmt.Sprint(wish.Mounts); got != "[{data /data false} {more /more true}]" {
		t.Errorf("the volumes are %s", got)
	}
	if got := wish.Settings; !wish.OwnLimits || got.MemoryBytes != 128<<20 || got.NanoCPUs != 500_000_000 || got.Processes != 100 || got.Port != 3000 {
		t.Errorf("the settings are %+v", got)
	}
}
