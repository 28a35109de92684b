package app

import (
	"slices"
	"testing"

	"berth/controller/plan"
)

func TestPreviewOf_SaysWhoTalksToWhom(t *testing.T) {
	t.Parallel()
	made := plan.Plan{Main: "web", Composed: true, Services: []plan.Service{
		{Name: "db", Image: "postgres:17"},
		{Name: "cache", Image: "redis"},
		{Name: "mail", Image: "mail"},
		{Name: "queue", Image: "queue"},
		{Name: "other", Image: "other"},
		{Name: "web", Image: "web", DependsOn: []plan.Dependency{{Service: "db"}}, Links: []string{"mail"}, Environment: []string{
			"DATABASE_URL=postgres://shop:pass@cache:5432/shop", "QUEUE_HOST=queue:5672", "TEXT=the other one", "HOME_URL=https://other.example.com/", "SELF=web:80",
		}},
	}}
	plans := PreviewOf(made).Plan
	if got, want := plans[5].Uses, []string{"db", "cache", "mail", "queue"}; !slices.Equal(got, want) {
		t.Errorf("web uses %q, want %q", got, want)
	}
	if len(plans[0].Uses) != 0 {
		t.Errorf("db uses %q", plans[0].Uses)
	}
}
