package app_test

import (
	"testing"
	"time"

	"berth/controller/app"
)

func TestParseReadiness_TakesItsOwnFormBack(t *testing.T) {
	t.Parallel()
	for _, want := range []app.Readiness{
		{},
		{By: app.ReadyTCP, Scheme: "h2c"},
		{By: app.ReadyHealth, StartTime: 3 * time.Minute},
		{Path: "/healthz", Status: 204, StartTime: 90 * time.Second},
		{Path: "/", StartTime: time.Hour},
		{StartTime: 90 * time.Minute},
		{StartTime: 20 * time.Second},
	} {
		if got, wrong := app.ParseReadiness(want.Form()); len(wrong) > 0 || got != want {
			t.Errorf("%+v came back as %+v from %+v, %v", want, got, want.Form(), wrong)
		}
	}
}

func TestParseReadiness_TakesSecondsAndSpaces(t *testing.T) {
	t.Parallel()
	got, wrong := app.ParseReadiness(app.ReadinessForm{By: " http ", StartTime: " 180 ", Status: "0"})
	if len(wrong) > 0 || got != (app.Readiness{StartTime: 3 * time.Minute}) || got.Form().StartTime != "3m" {
		t.Errorf("got %+v, %v", got, wrong)
	}
}

func TestParseReadiness_SaysWhatIsWrongAtEachField(t *testing.T) {
	t.Parallel()
	for field, forms := range map[string][]app.ReadinessForm{
		app.FieldReady:       {{By: "ping"}, {By: "tcp", Path: "/x"}, {By: "health", Status: "200"}},
		app.FieldReadyPath:   {{Path: "x"}, {Path: "/a b"}, {Path: "/a?b"}, {Path: "/../x"}, {Path: "//host/x"}, {Path: "/a/.."}, {Path: "/\x00"}, {Path: "/{{x}}"}, {Path: "/`x`"}},
		app.FieldReadyStatus: {{Status: "99"}, {Status: "600"}, {Status: "+20"}, {Status: "ok"}},
		app.FieldStartTime:   {{StartTime: "soon"}, {StartTime: "1ms"}, {StartTime: "25h"}, {StartTime: "-3m"}, {StartTime: "99999999"}},
		app.FieldScheme:      {{Scheme: "https"}, {Scheme: "h2c://evil"}},
	} {
		for _, form := range forms {
			_, wrong := app.ParseReadiness(form)
			if len(wrong) != 1 || wrong[0].Field != field || wrong[0].Hint == "" {
				t.Errorf("%+v: got %v", form, wrong)
			}
		}
	}
	if _, wrong := app.ParseReadiness(app.ReadinessForm{By: "x", Path: "x", Status: "x", StartTime: "x", Scheme: "x"}); len(wrong) != 5 {
		t.Errorf("all at once: %v", wrong)
	}
}
