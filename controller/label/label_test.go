package label

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"berth/controller/problem"
)

func TestParse_FoldsWhatPeopleType(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		project, tags string
		want          Labels
	}{
		{"", "", Labels{}},
		{"  My   shop ", "web, EU  web\tdb", Labels{Project: "My shop", Tags: []string{"db", "eu", "web"}}},
		{"Größe", "größe", Labels{Project: "Größe", Tags: []string{"größe"}}},
		{strings.Repeat("é", longestProject), strings.Repeat("é", longestTag), Labels{Project: strings.Repeat("é", longestProject), Tags: []string{strings.Repeat("é", longestTag)}}},
	} {
		got, err := Parse(one.project, one.tags)
		if err != nil || got.Project != one.want.Project || len(got.Tags)+len(one.want.Tags) > 0 && !reflect.DeepEqual(got.Tags, one.want.Tags) {
			t.Errorf("%q, %q: %+v, %v", one.project, one.tags, got, err)
		}
	}
}

func TestParse_SaysAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Parse("<b>", "ok -no a/b")
	faults, ok := errors.AsType[problem.Problems](err)
	if !ok || len(faults) != 2 || faults[0].Field != FieldProject || faults[1].Field != FieldTags {
		t.Fatalf("%v", err)
	}
	for _, bad := range []string{`"-no"`, `"a/b"`} {
		if !strings.Contains(faults[1].Message, bad) {
			t.Errorf("%q does not name %s", faults[1].Message, bad)
		}
	}
}

func TestParse_IsBounded(t *testing.T) {
	t.Parallel()
	for _, one := range [][2]string{
		{strings.Repeat("p", longestProject+1), ""},
		{"", strings.Repeat("t", longestTag+1)},
		{"", "a b c d e f g h i j k"},
		{"a\x00b", ""},
		{"a\xffb", ""},
		{"", "a\u202eb"},
		{" .", ""},
	} {
		if got, err := Parse(one[0], one[1]); err == nil {
			t.Errorf("%q, %q: %+v", one[0], one[1], got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("My shop", "web eu")
	f.Fuzz(func(t *testing.T, project, tags string) {
		made, err := Parse(project, tags)
		if err != nil {
			return
		}
		again, err := Parse(made.Project, strings.Join(made.Tags, " "))
		if err != nil || again.Project != made.Project || strings.Join(again.Tags, " ") != strings.Join(made.Tags, " ") {
			t.Errorf("%+v is read as %+v, %v", made, again, err)
		}
	})
}
