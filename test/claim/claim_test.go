package claim

import (
	"net"
	"slices"
	"testing"
)

func TestPorts_AreGivenOnceAndAreFreeForBothProtocols(t *testing.T) {
	first, err := Ports("127.0.0.1", 20)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Ports("127.0.0.1", 20)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(first, second)
	slices.Sort(all)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != 40 {
		t.Errorf("%d different ports, want 40", len(unique))
	}
	for _, port := range all {
		if !isFree(net.JoinHostPort("127.0.0.1", port)) {
			t.Errorf("port %s is taken", port)
		}
	}
}

func TestName_IsGivenOnce(t *testing.T) {
	name := "name-of-" + t.Name()
	if !Name(name) || Name(name) {
		t.Error("a name must be claimed once")
	}
	if second, err := lock(name); err == nil { // as another process would
		_ = second.Close()
		t.Error("another process got the name too")
	}
}

func TestIsFree_NeedsBothProtocols(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	if isFree(packets.LocalAddr().String()) {
		t.Error("a port that is taken for UDP was called free")
	}
}
