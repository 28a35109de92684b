package controller

import (
	"errors"
	"testing"
)

func TestParseMount_RefusesInTheFieldThatIsWrong(t *testing.T) {
	if mount, err := ParseMount("data", "/data", true); err != nil || mount != (Mount{Volume: "data", Target: "/data", ReadOnly: true}) {
		t.Errorf("got %+v, %v", mount, err)
	}
	for field, form := range map[string][2]string{"volume": {"../data", "/data"}, "target": {"data", "/proc/1"}} {
		_, err := ParseMount(form[0], form[1], false)
		problem, ok := errors.AsType[*Problem](err)
		if !ok || problem.Field != field || problem.Kind != KindInvalid || problem.Hint == "" {
			t.Errorf("%v: %+v", form, err)
		}
	}
}

func TestCheckMounts_RefusesTwoAtOnePlace(t *testing.T) {
	if err := CheckMounts([]Mount{{Volume: "a", Target: "/data"}, {Volume: "a", Target: "/data/a"}}); err != nil {
		t.Error(err)
	}
	if err := CheckMounts([]Mount{{Volume: "a", Target: "/data"}, {Volume: "b", Target: "/data"}}); err == nil {
		t.Error("two volumes at one place are accepted")
	}
	if err := CheckMounts(make([]Mount, mostMounts+1)); err == nil {
		t.Error("any number is accepted")
	}
}
