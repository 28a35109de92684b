package store_test

import (
	"slices"
	"testing"

	"berth/controller/app"
	"berth/controller/backup/hook"
	"berth/controller/problem"
)

func TestHooks_AreReplacedTakenAwayAndGoWithTheirApp(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "shop", "/shop")
	wish := hook.Hook{App: "shop", Service: "db", Before: []string{"dump", "to here"}}
	must(t, ledger.SaveHook(ctx, wish))
	wish.After = []string{"rm"}
	must(t, ledger.SaveHook(ctx, wish))
	found, err := ledger.FindHook(ctx, "shop")
	must(t, err)
	if found.Service != "db" || !slices.Equal(found.Before, wish.Before) || !slices.Equal(found.After, wish.After) {
		t.Errorf("found %+v", found)
	}
	must(t, ledger.DeleteHook(ctx, "shop"))
	_, err = ledger.FindHook(ctx, "shop")
	wantError(t, err, problem.ErrNotFound)
	must(t, ledger.SaveHook(ctx, wish))
	must(t, ledger.UpdateWanted(ctx, "shop", app.WantedDeleted))
	if all, err := ledger.ListHooks(ctx); err != nil || len(all) != 0 {
		t.Errorf("that of a deleted app is listed: %+v, %v", all, err)
	}
	must(t, ledger.DeleteApp(ctx, "shop"))
	_, err = ledger.FindHook(ctx, "shop")
	wantError(t, err, problem.ErrNotFound)
	wantError(t, ledger.SaveHook(ctx, wish), problem.ErrNotFound)
}
