package link

import (
	"strings"
	"testing"

	"berth/controller/handle"
)

func TestLink_NamesAndLabelsHaveTheHandleOfAnApp(t *testing.T) {
	t.Parallel()
	l := &Link{Stack: "berth", Handles: handle.NewBook(map[string]string{"store": "shop"})}
	for got, want := range map[string]string{
		l.InstanceName("store", 3, "db"):                     "berth-shop-r3.db",
		l.NetworkName("store", 0):                            "berth-app-shop",
		l.OwnLabels(RoleApp, "store", 3)[LabelApp]:           "shop",
		l.OfApp("store"):                                     LabelApp + "=shop",
		l.labelled(map[string]string{LabelApp: "shop"}).App:  "store",
		l.labelled(map[string]string{LabelRelease: "3"}).App: "",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if tag := l.ImageTag("store", 3, ""); !strings.HasPrefix(tag, "berth/shop:r3-") {
		t.Errorf("the tag is %s", tag)
	}
	if l.OfApp("shop") == LabelApp+"=shop" {
		t.Error("the former name finds what is the renamed app's")
	}
}
