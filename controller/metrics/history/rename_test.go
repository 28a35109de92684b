package history

import (
	"slices"
	"testing"

	"berth/controller/handle"
	"berth/controller/metrics"
)

func TestHistory_MeasurementsOfARenamedAppAreFoundUnderItsNewName(t *testing.T) {
	t.Parallel()
	history, _ := openTest(t)
	history.Handles = handle.NewBook(nil)
	history.mustAdd(t, start, metrics.App("shop"), metrics.Memory, 5)
	history.mustAdd(t, start, metrics.Service("shop", "db"), metrics.Memory, 7)

	handles, end := history.Handles.Begin()
	handles["store"] = "shop"
	end(true)

	if len(history.mustRead(t, metrics.App("store"), "hour", start)) != 1 || len(history.mustRead(t, metrics.Service("store", "db"), "hour", start)) != 1 {
		t.Error("the new name has no measurements")
	}
	if want := []metrics.Subject{"app/store", "app/store/db"}; !slices.Equal(history.Subjects(), want) {
		t.Errorf("subjects are %v", history.Subjects())
	}
	// Who has read the former name before the rename cannot remove anything by it.
	if err := history.Forget(t.Context(), metrics.App("shop")); err != nil || len(history.mustRead(t, metrics.App("store"), "hour", start)) != 1 {
		t.Errorf("the former name removed the measurements: %v", err)
	}
}
