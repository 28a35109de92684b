package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"berth/controller/docker"
	"berth/controller/problem"
)

func TestPublicHost_IsReservedAndOffByDefault(t *testing.T) {
	t.Parallel()
	config := load(t, "", nil, nil)
	if config.AdminPublicHost != "" || config.adminRoute().Host != "" {
		t.Errorf("by default there is %+v", config.adminRoute())
	}
	config = load(t, "", []string{"BERTH_ADMIN_PUBLIC_HOST=Admin.example.com", "BERTH_ADMIN_PUBLIC_ALLOW=203.0.113.7, 2001:db8::/48", "BERTH_PROXY_ADDRESS=127.0.0.2", "BERTH_EDGE_SUBNET=127.0.0.0/27"}, nil)
	route, reserved := config.adminRoute(), config.reservedHosts()
	if route.Host != "admin.example.com" || len(route.Allow) != 2 || !strings.HasSuffix(route.Address, ":8002") || reserved[len(reserved)-1] != route.Host {
		t.Errorf("%+v, reserved %v", route, reserved)
	}
	for _, own := range config.ownHosts() {
		if own == route.Host {
			t.Error("the door on this machine answers to the public name")
		}
	}
}

func TestPublicHost_RefusesWhatWouldMixItWithOthers(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string][]string{
		"the name on this machine":  {"BERTH_ADMIN_PUBLIC_HOST=berth.localhost"},
		"a further name":            {"BERTH_ADMIN_PUBLIC_HOST=a.example.com", "BERTH_ADMIN_HOSTS=a.example.com"},
		"apps at the name":          {"BERTH_ADMIN_PUBLIC_HOST=a.example.com", "BERTH_BASE_DOMAIN=a.example.com"},
		"apps below the name":       {"BERTH_ADMIN_PUBLIC_HOST=a.example.com", "BERTH_BASE_DOMAIN=apps.a.example.com"},
		"a path":                    {"BERTH_ADMIN_PUBLIC_HOST=example.com/admin"},
		"a wildcard":                {"BERTH_ADMIN_PUBLIC_HOST=*.example.com"},
		"everybody in the list":     {"BERTH_ADMIN_PUBLIC_HOST=a.example.com", "BERTH_ADMIN_PUBLIC_ALLOW=0.0.0.0/0"},
		"a list without a name":     {"BERTH_ADMIN_PUBLIC_ALLOW=203.0.113.7"},
		"a name in place of a list": {"BERTH_ADMIN_PUBLIC_HOST=a.example.com", "BERTH_ADMIN_PUBLIC_ALLOW=b.example.com"},
	} {
		if _, _, err := loadConfig("", environment, nil); err == nil || !strings.Contains(strings.ToUpper(err.Error()), "PUBLIC") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// reports stands for an engine, by what it says of its broker.
type reports []error

func (r *reports) BrokerReport(context.Context) (docker.BrokerReport, error) {
	err := (*r)[0]
	if len(*r) > 1 {
		*r = (*r)[1:]
	}
	return docker.BrokerReport{}, err
}

func TestPublicHost_NeedsTheBroker(t *testing.T) {
	t.Parallel()
	public := Config{AdminPublicHost: "admin.example.com"}
	direct := &reports{docker.ErrNoBroker}
	err := requireBroker(t.Context(), public, direct)
	var refused *problem.Problem
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "admin.example.com") || !strings.Contains(refused.Hint, "DOCKER_HOST") {
		t.Errorf("a plain socket: %v", err)
	}
	if err := requireBroker(t.Context(), Config{}, direct); err != nil {
		t.Errorf("without a public host: %v", err)
	}
	if err := requireBroker(t.Context(), public, &reports{errors.New("not there yet"), nil}); err != nil {
		t.Errorf("a broker that starts at the same time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := requireBroker(ctx, public, &reports{errors.New("not there")}); problem.KindOf(err) != problem.KindUnavailable {
		t.Errorf("a broker that never comes: %v", err)
	}
}
