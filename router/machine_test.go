package router

import (
	"strings"
	"testing"

	"berth/controller/docker"
	"berth/controller/refusals"
)

func TestMachine_NamesWhatBuildsAreNotKeptFromAndTheFix(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		builds        Builds
		says, without []string
	}{
		"nothing was done": {Builds{}, []string{"default bridge", "may take all memory", "make up BERTH_FENCE_BUILDS=yes", "native.cgroupdriver=cgroupfs"}, []string{">separate<"}},
		"a network alone":  {Builds{Apart: true}, []string{">separate<", "may take all memory"}, []string{"default bridge"}},
		"all of it":        {Builds{Apart: true, Limited: true}, []string{">separate<", "All builds together have limits"}, []string{"BERTH_FENCE_BUILDS"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.Builds = test.builds })
			s.signIn()
			page := s.get("/settings/machine").body
			mustContain(t, page, test.says...)
			for _, words := range test.without {
				if strings.Contains(page, words) {
					t.Errorf("the page says %q", words)
				}
			}
		})
	}
}

// brokerStandIn tells what a test lets it tell.
type brokerStandIn struct {
	state  refusals.State
	report docker.BrokerReport
}

func (b brokerStandIn) Report() (refusals.State, docker.BrokerReport) { return b.state, b.report }

func TestMachine_SaysHowTheEngineIsReachedAndWhatWasRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		broker brokerStandIn
		says   []string
	}{
		"unknown": {brokerStandIn{}, []string{">unknown<"}},
		"direct":  {brokerStandIn{state: refusals.Direct}, []string{">direct<", "remove <code>DOCKER_HOST</code>"}},
		"nothing": {brokerStandIn{state: refusals.Guarded}, []string{">behind the broker<", "has refused nothing"}},
		"refused": {brokerStandIn{refusals.Guarded, docker.BrokerReport{
			Refused: 2, Recent: []docker.BrokerRefusal{{Field: "HostConfig.Privileged", Reason: "it is set"}, {Field: "<b>query</b>", Reason: "it is unknown"}},
		}}, []string{"has refused 2 calls", "HostConfig.Privileged", "&lt;b&gt;query"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.Broker = test.broker })
			s.signIn()
			mustContain(t, s.get("/settings/machine").body, test.says...)
		})
	}
}

func TestMachine_SaysWhatAppsAreKeptFrom(t *testing.T) {
	t.Parallel()
	for apart, says := range map[bool]string{true: "no other service of this machine", false: "Apps reach every port"} {
		s := newSite(t, func(o *Options) { o.AppsApart = apart })
		s.signIn()
		mustContain(t, s.get("/settings/machine").body, says)
	}
}
