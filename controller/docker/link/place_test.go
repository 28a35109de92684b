package link

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

func TestPlaceOf_TellsWhereAContainerCanBeReached(t *testing.T) {
	t.Parallel()
	place := (&Link{}).placeOf(container.Summary{
		Names:  []string{"/berth-shop-r3"},
		Labels: map[string]string{LabelRole: RoleApp, LabelApp: "shop", LabelRelease: "3", LabelPort: "8000"},
		Ports: []container.Port{
			{PrivatePort: 8000, Type: "tcp"},
			{PrivatePort: 53, Type: "udp"},
			{IP: "127.0.0.1", PrivatePort: 9000, PublicPort: 19000, Type: "tcp"},
			{IP: "::", PrivatePort: 9000, PublicPort: 19000, Type: "tcp"},
		},
		NetworkSettings: &container.NetworkSettingsSummary{Networks: map[string]*network.EndpointSettings{
			"b": {IPAddress: "10.201.2.3"}, "a": {IPAddress: "10.201.1.3"}, "gone": nil, "later": {},
		}},
	})
	if place.App != "shop" || place.Release != 3 || place.Name != "berth-shop-r3" || place.Role != RoleApp {
		t.Errorf("it is %+v", place)
	}
	if want := []netip.Addr{netip.MustParseAddr("10.201.1.3"), netip.MustParseAddr("10.201.2.3")}; !reflect.DeepEqual(place.Addresses, want) {
		t.Errorf("addresses %v", place.Addresses)
	}
	if want := []uint16{8000, 9000}; !reflect.DeepEqual(place.Ports, want) {
		t.Errorf("ports %v", place.Ports)
	}
	if want := []Published{{netip.MustParseAddr("127.0.0.1"), 19000, 9000}, {netip.IPv6Unspecified(), 19000, 9000}}; !reflect.DeepEqual(place.Published, want) {
		t.Errorf("published %v", place.Published)
	}
}
