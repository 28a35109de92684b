package main

import (
	"fmt"
	"net/http"
	"time"

	"berth/test/stack"
)

const (
	gateRequests = 2000 // of each way
	gateGoal     = 1.75 // times, with a connection for each request: both are made twice
	gateKeptGoal = 1.5
)

// measureGate: requests through the gate against the same ones to the proxy itself, by
// turns.
func (b *bench) measureGate() error {
	_, archive, version, err := b.content()
	if err != nil {
		return err
	}
	if _, _, err := b.deploy("gated", "/gated", version, archive); err != nil {
		return err
	}
	gate, err := b.edgeAddress("gate")
	if err != nil {
		return err
	}
	proxy, err := b.edgeAddress("traefik")
	if err != nil {
		return err
	}
	for _, way := range []struct {
		name string
		kept bool
		goal float64
	}{{"a connection for each request", false, gateGoal}, {"one connection", true, gateKeptGoal}} {
		through, direct, err := b.byTurns(gate, proxy, !way.kept)
		if err != nil {
			return err
		}
		ratio := median(ratios(through, direct))
		b.report(ratio < way.goal, "through the gate, %s: %.2f times the proxy alone (goal %.2f); median %s and %s, p95 %s and %s, %.0f and %.0f requests a second",
			way.name, ratio, way.goal, milliseconds(median(through)), milliseconds(median(direct)),
			milliseconds(quantile(through, 0.95)), milliseconds(quantile(direct, 0.95)), perSecond(through), perSecond(direct))
	}
	return nil
}

func (b *bench) edgeAddress(role string) (string, error) {
	format := fmt.Sprintf(`{{(index .NetworkSettings.Networks %q).IPAddress}}`, b.stack.Name+"-0-edge")
	address, err := stack.Docker("inspect", "--format", format, b.stack.Name+"-"+role)
	return "http://" + address + ":8000/gated", err
}

// byTurns asks one after the other, first the one and then the other first.
func (b *bench) byTurns(gate, proxy string, anew bool) (through, direct []time.Duration, err error) {
	clients := map[string]*http.Client{}
	for _, address := range []string{gate, proxy} {
		clients[address] = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: anew}}
	}
	took := map[string][]time.Duration{}
	for turn := range gateRequests {
		order := []string{gate, proxy}
		if turn%2 == 1 {
			order = []string{proxy, gate}
		}
		for _, address := range order {
			began := time.Now()
			if status := get(b.ctx, clients[address], address); status != http.StatusOK {
				return nil, nil, fmt.Errorf("%s answered %d", address, status)
			}
			took[address] = append(took[address], time.Since(began))
		}
	}
	return took[gate], took[proxy], nil
}

func perSecond(took []time.Duration) float64 {
	var all time.Duration
	for _, one := range took {
		all += one
	}
	return float64(len(took)) / all.Seconds()
}
