package slots

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"berth/controller/app"
)

func id(name string) app.ReleaseID { return app.ReleaseID{App: app.Name(name), Number: 1} }

func TestLine_GivesSlotsInTheOrderOfComing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		if err := l.Enter(t.Context(), id("first")); err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, app := range []string{"second", "third"} {
			go func() {
				if err := l.Enter(t.Context(), id(app)); err == nil {
					order = append(order, app)
					l.Leave()
				}
			}()
			synctest.Wait()
		}
		if got := l.Place(id("third")); got != 2 {
			t.Errorf("place of the third is %d, want 2", got)
		}
		if got := l.Place(id("first")); got != 0 {
			t.Errorf("place of the one that builds is %d, want 0", got)
		}
		l.Leave()
		synctest.Wait()
		if len(order) != 2 || order[0] != "second" {
			t.Errorf("order is %v", order)
		}
		if err := l.Enter(t.Context(), id("later")); err != nil {
			t.Errorf("the slot was lost: %v", err)
		}
	})
}

func TestLine_LosesNoSlotToOneThatGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		_ = l.Enter(t.Context(), id("first"))
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- l.Enter(ctx, id("impatient")) }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("giving up returned %v", err)
		}
		l.Leave()
		if l.free != 1 || len(l.waiting) != 0 {
			t.Errorf("free is %d, waiting %d", l.free, len(l.waiting))
		}
	})
}
