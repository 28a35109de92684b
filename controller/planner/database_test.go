package planner

import (
	"slices"
	"testing"

	"berth/controller/plan"
)

func TestFrom_GivesTheWaiverOfDatabasesToThoseAlone(t *testing.T) {
	text := "services:\n  web: {image: 'x:1', ports: [80]}\n  db: {image: 'postgres:17'}\n  own: {image: 'mydb:1'}\n"
	for _, test := range []struct {
		named []string
		want  []string
	}{
		{nil, []string{"db"}},
		{[]string{"own"}, []string{"own"}},
		{[]string{"own", "db"}, []string{"db", "own"}},
	} {
		made := mustCompose(t, text, plan.Options{Waivers: plan.Waivers{Database: true}, DatabaseServices: test.named})
		var got []string
		for _, service := range made.Services {
			if service.Waivers.RunsAsRoot() {
				got = append(got, service.Name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("named %q: it holds for %q, want %q", test.named, got, test.want)
		}
	}
}
