package handle

import (
	"strings"
	"testing"
)

func TestBook_KnowsAnAppByItsNameAndByItsHandle(t *testing.T) {
	t.Parallel()
	b := NewBook(map[string]string{"shop": "store", "blog": "blog"})
	for name, handle := range map[string]string{"shop": "store", "blog": "blog", "other": "other", "": ""} {
		if got := b.Of(name); got != handle {
			t.Errorf("the handle of %q is %q", name, got)
		}
		if got := b.Name(handle); got != name {
			t.Errorf("the name of %q is %q", handle, got)
		}
	}
}

func TestBook_FormerNameFindsNothingOfTheAppThatHadIt(t *testing.T) {
	t.Parallel()
	b := NewBook(map[string]string{"shop": "store"})
	if got := b.Of("store"); b.Name(got) == "shop" || got == "store" {
		t.Errorf("the former name leads to %q", got)
	}
	if got := b.Name("shop"); got == "shop" {
		t.Error("the handle of no app is taken for the app of that name")
	}
}

func TestBook_ANewAppUnderTheFormerNameHasAHandleOfItsOwn(t *testing.T) {
	t.Parallel()
	b := NewBook(map[string]string{"shop": "store"})
	handles, end := b.Begin()
	handles["store"] = "store--2"
	end(true)
	if b.Of("store") != "store--2" || b.Name("store--2") != "store" || b.Of("shop") != "store" || b.Name("store") != "shop" {
		t.Errorf("the book mixes them up: %v", b.handles)
	}
	handles, end = b.Begin()
	clear(handles)
	end(false)
	if b.Of("shop") != "store" {
		t.Error("a change that was dropped is kept")
	}
}

func TestBook_TheNilBookHasNamesAsHandles(t *testing.T) {
	t.Parallel()
	var b *Book
	if b.Of("shop") != "shop" || b.Name("shop") != "shop" {
		t.Error("a name is not its handle")
	}
}

func TestFree_TakesTheNextNumberAndStaysShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 36) + "-bcd"
	used := map[string]bool{"shop": true, "shop--2": true, long: true}
	taken := func(handle string) (bool, error) { return used[handle], nil }
	for name, want := range map[string]string{"new": "new", "shop": "shop--3", long: strings.Repeat("a", 36) + "--2"} {
		if got, err := Free(name, taken); got != want || err != nil {
			t.Errorf("the handle of %s is %s: %v", name, got, err)
		}
	}
}
