package app

import (
	"strings"
	"testing"

	"berth/controller/plan"
	"berth/controller/problem"
)

func TestParseBoundChoices_SortsAndLetsTheLastOneCount(t *testing.T) {
	got, err := ParseBoundChoices(" web:/etc/a=b.conf=volume,\r\ndb:/data/=image, web:/etc/a=b.conf=image")
	if err != nil || got != "db:/data=image,web:/etc/a=b.conf=image" {
		t.Errorf("got %q, %v", got, err)
	}
	if chosen := got.Map(); len(chosen) != 2 || chosen["web:/etc/a=b.conf"] != plan.BoundImage {
		t.Errorf("got %v", chosen)
	}
	if got, err := ParseBoundChoices(" ,\n"); err != nil || got != "" || got.List() != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParseBoundChoices_Refuses(t *testing.T) {
	var many strings.Builder
	for i := range mostBoundChoices + 1 {
		many.WriteString("web:/" + strings.Repeat("a", i+1) + "=image\n")
	}
	for _, text := range []string{
		"web", "web:/a", "web:/a=disk", "/a=image", "web:a=image", ":/a=image", "we b:/a=image", `web:/a\b=image`, "web:/a:b=image",
		"web:/a\x00=image", "web:/a\u202eb=image", "=image", "=", "web:/" + strings.Repeat("a", 255) + "=image", many.String(),
	} {
		_, err := ParseBoundChoices(text)
		if found, ok := err.(*problem.Problem); !ok || found.Field != FieldBound || found.Kind != problem.KindInvalid { //nolint:errorlint // it returns no other
			t.Errorf("%.40q: got %v", text, err)
		}
	}
}

func FuzzParseBoundChoices(f *testing.F) {
	for _, text := range []string{"web:/etc/a=volume, db:/data=image", "a:/../=image", "=", ":", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		chosen, err := ParseBoundChoices(text)
		if err != nil {
			return
		}
		if again, err := ParseBoundChoices(string(chosen)); err != nil || again != chosen || len(chosen.Map()) != len(chosen.List()) {
			t.Errorf("%q became %q, %v", chosen, again, err)
		}
	})
}
