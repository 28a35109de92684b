package store_test

import (
	"testing"

	"berth/controller/app"
	"berth/controller/push"
)

func TestPushSettings_GoWithTheirApp(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "shop", "/shop")
	is := func(want push.Settings) {
		t.Helper()
		if got, err := ledger.FindPushSettings(ctx, "shop"); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
	is(push.Settings{})
	must(t, ledger.SavePushSettings(ctx, "shop", push.Settings{Branch: "main"}))
	must(t, ledger.SavePushSettings(ctx, "shop", push.Settings{Branch: "live", Folder: "web"}))
	is(push.Settings{Branch: "live", Folder: "web"})
	must(t, ledger.UpdateWanted(ctx, "shop", app.WantedDeleted))
	must(t, ledger.DeleteApp(ctx, "shop"))
	is(push.Settings{})
	must(t, ledger.SavePushSettings(ctx, "shop", push.Settings{Branch: "main"})) // it is gone
	is(push.Settings{})
}
