package store_test

import (
	"testing"

	"berth/controller/problem"
)

func TestUpdateSetting_SetsAndReplaces(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	_, err := ledger.FindSetting(ctx, "home")
	wantError(t, err, problem.ErrNotFound)
	for _, value := range []string{"/hello", ""} {
		must(t, ledger.UpdateSetting(ctx, "home", value))
		found, err := ledger.FindSetting(ctx, "home")
		must(t, err)
		if found != value {
			t.Fatalf("want %q, got %q", value, found)
		}
	}
}
