package checklist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller/printable"
	"berth/controller/problem"
)

// probeAge is after how long a probe says little.
const probeAge = 30 * 24 * time.Hour

func (c *Checklist) reach(ctx context.Context) (Row, error) {
	proofs, err := c.Reach.Proofs(ctx)
	if err != nil {
		return Row{}, err
	}
	var leaking, silent []string
	for _, proof := range proofs {
		switch {
		case len(proof.Leaks) > 0:
			leaking = append(leaking, fmt.Sprintf("%s at %s", proof.Release.App, proof.Leaks[0].Address))
		case !proof.Answered:
			silent = append(silent, string(proof.Release.App))
		}
	}
	switch {
	case len(leaking) > 0:
		return red("Another app's network reaches these apps directly: "+printable.List(leaking)+".",
			"See which rules of the firewall let networks of the engine reach each other, and restart the engine, which makes its own anew.", "")
	case len(silent) > 0:
		return red("These apps do not answer through the proxy: "+printable.List(silent)+".", "See their pages.", "/admin")
	case len(proofs) == 0:
		return green("No app is live, or none was checked yet.")
	}
	return green(fmt.Sprintf("All %d live apps that were checked answer through the proxy alone.", len(proofs)))
}

func (c *Checklist) probe(ctx context.Context) (Row, error) {
	const page = "/checklist#probe"
	report, err := c.Reach.Report(ctx)
	switch {
	case errors.Is(err, problem.ErrNotFound):
		return amber("No probe was run yet.", "Run one: a container like an app's then tries what no app may reach.", page)
	case err != nil:
		return Row{}, err
	}
	open := report.Leaks()
	if len(open) > 0 {
		var named []string
		for _, try := range open {
			named = append(named, try.Target+" at "+try.Address)
		}
		return red(fmt.Sprintf("A container like an app's reached %d of %d addresses: %s.", len(open), len(report.Results), printable.List(named)),
			"Close these ports to the networks of apps, or run make up as root, without BERTH_HOST_FIREWALL=off. Then run the probe again.", page)
	}
	found := fmt.Sprintf("On %s, a container like an app's reached none of %d addresses.", moment(report.At), len(report.Results))
	if c.now().Sub(report.At) > probeAge {
		return amber(found, "Run another one.", page)
	}
	return green(found)
}
