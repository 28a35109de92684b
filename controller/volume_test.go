package controller

import (
	"errors"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
)

func TestParseMount_RefusesInTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	if mount, err := app.ParseMount("data", "/data", true); err != nil || mount != (app.Mount{Volume: "data", Target: "/data", ReadOnly: true}) {
		t.Errorf("got %+v, %v", mount, err)
	}
	for field, form := range map[string][2]string{"volume": {"../data", "/data"}, "target": {"data", "/proc/1"}} {
		_, err := app.ParseMount(form[0], form[1], false)
		fault, ok := errors.AsType[*problem.Problem](err)
		if !ok || fault.Field != field || fault.Kind != problem.KindInvalid || fault.Hint == "" {
			t.Errorf("%v: %+v", form, err)
		}
	}
}

func TestCheckMounts_RefusesTwoAtOnePlace(t *testing.T) {
	t.Parallel()
	if err := app.CheckMounts([]app.Mount{{Volume: "a", Target: "/data"}, {Volume: "a", Target: "/data/a"}}); err != nil {
		t.Error(err)
	}
	if err := app.CheckMounts([]app.Mount{{Volume: "a", Target: "/data"}, {Volume: "b", Target: "/data"}}); err == nil {
		t.Error("two volumes at one place are accepted")
	}
	if err := app.CheckMounts(make([]app.Mount, app.MostMounts+1)); err == nil {
		t.Error("any number is accepted")
	}
}
