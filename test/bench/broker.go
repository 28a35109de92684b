package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"berth/test/stack"
)

const (
	brokerGoal  = 1.03 // of a release without it
	listGoal    = time.Millisecond
	listRounds  = 500
	brokerApp   = "brokered"
	brokerFirst = 2 // rounds that warm all up
)

// side is a Berth of its own, with the broker in front of the engine or without it.
type side struct {
	*bench
	process *stack.Process
	socket  string // its way to the engine
}

// measureBroker: a release, and a list of containers, with the broker and without it. The
// two take turns, so that a machine whose speed drifts does not matter.
func (b *bench) measureBroker() error {
	engine := strings.TrimPrefix(cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock"), "unix://")
	direct, endDirect, err := b.newSide("berth-direct", engine, "")
	defer endDirect()
	if err != nil {
		return err
	}
	brokered, endBrokered, err := b.newSide("berth-brokered", "", engine)
	defer endBrokered()
	if err != nil {
		return err
	}
	if err := b.compareReleases(direct, brokered); err != nil {
		return err
	}
	return b.compareLists(direct, brokered)
}

// newSide starts a Berth that reaches the engine at the socket, or through a broker in front
// of the other one. What end gives back is there also where the start failed.
func (b *bench) newSide(kind, socket, behind string) (s *side, end func(), err error) {
	ends := []func(){}
	end = func() {
		for _, one := range slices.Backward(ends) {
			one()
		}
	}
	place, err := stack.Reserve(kind)
	if err != nil {
		return nil, end, err
	}
	folder, err := os.MkdirTemp("", kind+"-")
	if err != nil {
		return nil, end, err
	}
	ends = append(ends, func() { _ = os.RemoveAll(folder) })
	s = &side{socket: cmp.Or(socket, filepath.Join(folder, "broker.sock"))}
	if s.process, err = stack.NewProcess(place, folder, s.socket); err != nil {
		return nil, end, err
	}
	ends = append(ends, s.process.Remove, s.process.Kill)
	if behind != "" {
		stop, err := s.process.StartBroker(behind)
		if err != nil {
			return nil, end, err
		}
		// It ends last: a Berth that stops still asks.
		ends = slices.Insert(ends, 1, stop)
	}
	if err := errors.Join(s.process.Start(), s.process.StartProxy()); err != nil {
		return nil, end, err
	}
	token, err := s.process.Token("admin")
	s.bench = &bench{ctx: b.ctx, stack: s.process.Stack, token: token, rounds: b.rounds}
	return s, end, err
}

// redeploy is the time from the form's POST to the first answer of a new version.
func (s *side) redeploy(route string) (time.Duration, error) {
	_, archive, version, err := s.content()
	if err != nil {
		return 0, err
	}
	time.Sleep(quiet)
	took, _, err := s.deploy(brokerApp, route, version, archive)
	s.settle(brokerApp)
	return took, err
}

func (b *bench) compareReleases(direct, brokered *side) error {
	var without, with []time.Duration
	for round := range b.rounds + brokerFirst {
		route := ""
		if round == 0 {
			route = "/" + brokerApp
		}
		times := map[*side]time.Duration{}
		order := []*side{direct, brokered}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, one := range order {
			took, err := one.redeploy(route)
			if err != nil {
				return err
			}
			times[one] = took
		}
		if round >= brokerFirst {
			without, with = append(without, times[direct]), append(with, times[brokered])
		}
	}
	ratio := median(ratios(with, without))
	b.report(ratio <= brokerGoal, "a release through the broker: %.3f of one without it (goal %.2f); %s and %s",
		ratio, brokerGoal, milliseconds(median(with)), milliseconds(median(without)))
	return nil
}

// compareLists asks for the containers of a stack, as each pass of the reconciler does.
func (b *bench) compareLists(direct, brokered *side) error {
	ask := "/v1.41/containers/json?all=1&filters=" + url.QueryEscape(`{"label":{"berth.stack=`+brokered.stack.Name+`":true}}`)
	clients := [2]*http.Client{socketClient(direct.socket), socketClient(brokered.socket)}
	var more []time.Duration
	for round := range listRounds + brokerFirst {
		var took [2]time.Duration
		for i := range took {
			at := (i + round) % 2
			began := time.Now()
			if err := listOnce(b.ctx, clients[at], ask); err != nil {
				return err
			}
			took[at] = time.Since(began)
		}
		if round >= brokerFirst {
			more = append(more, took[1]-took[0])
		}
	}
	extra := median(more)
	b.report(extra < listGoal, "a list call through the broker: %s longer than without it (goal %s)", extra.Round(time.Microsecond), listGoal)
	return nil
}

func socketClient(socket string) *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

func listOnce(ctx context.Context, client *http.Client, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("list containers: %s", response.Status)
	}
	return nil
}
