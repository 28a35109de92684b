package store_test

import (
	"errors"
	"reflect"
	"testing"

	"berth/controller/app"
	"berth/controller/label"
	"berth/controller/problem"
)

func TestUpdateLabels_AreReadWithTheApp(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "shop", "/shop")
	createApp(t, ledger, "blog", "/blog")
	wanted := label.Labels{Project: "Web", Tags: []string{"eu", "php"}}
	must(t, ledger.UpdateLabels(t.Context(), "shop", wanted))
	apps, _, err := ledger.ListOverview(t.Context())
	must(t, err)
	if !reflect.DeepEqual(apps[1].Labels, wanted) || !reflect.DeepEqual(apps[0].Labels, label.Labels{}) {
		t.Errorf("%+v and %+v", apps[0].Labels, apps[1].Labels)
	}
	must(t, ledger.UpdateLabels(t.Context(), "shop", label.Labels{}))
	found, err := ledger.FindApp(t.Context(), "shop")
	must(t, err)
	if !reflect.DeepEqual(found.Labels, label.Labels{}) {
		t.Errorf("labels that were taken away: %+v", found.Labels)
	}
}

func TestUpdateLabels_OfNoAppIsNotFound(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "gone", "/gone")
	must(t, ledger.UpdateWanted(t.Context(), "gone", app.WantedDeleted))
	for _, name := range []app.Name{"gone", "never"} {
		if err := ledger.UpdateLabels(t.Context(), name, label.Labels{Project: "x"}); !errors.Is(err, problem.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
