package journal

import (
	"testing"

	"berth/controller/app"
	"berth/controller/handle"
	"berth/controller/logs"
)

func TestJournal_LogOfARenamedAppGoesOnAndAnotherAppDoesNotGetIt(t *testing.T) {
	t.Parallel()
	book := handle.NewBook(nil)
	h := openJournal(t, t.TempDir(), func(o *Options) { o.Handles = book })
	web, _ := logs.OfService("web")
	follower := h.Writer("shop", web) // of an instance that runs on
	h.add("shop", web, printed(0, 3, 1)...)

	handles, end := book.Begin()
	handles["store"], handles["shop"] = "shop", "shop--2"
	end(true)
	for _, line := range printed(3, 2, 1) {
		if err := follower.Add(t.Context(), line); err != nil {
			t.Fatal(err)
		}
	}
	follower.Close(t.Context())
	h.add("store", web, printed(5, 1, 1)...)
	h.add("shop", web, printed(0, 1, 1)...)

	count := func(name app.Name) int {
		t.Helper()
		page, err := h.Newer(t.Context(), name, logs.Query{}, logs.Position{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Lines)
	}
	if renamed, other := count("store"), count("shop"); renamed != 6 || other != 1 {
		t.Errorf("the renamed app has %d lines, the new one %d", renamed, other)
	}
	if sizes := h.Sizes(); sizes["store"] == 0 || sizes["shop"] == 0 || len(sizes) != 2 {
		t.Errorf("sizes are %v", sizes)
	}
	h.Retain(func(key app.Name) bool { return key == "shop" }, func(string) bool { return false })
	if renamed, other := count("store"), count("shop"); renamed != 6 || other != 0 {
		t.Errorf("after the new app is gone, the renamed one has %d lines, the other %d", renamed, other)
	}
}
