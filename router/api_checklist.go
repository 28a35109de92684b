package router

import (
	"net/http"
	"time"

	"berth/controller/checklist"
	"berth/controller/probe"
	"berth/controller/reach"
)

// checklistFresh is how old a report may be that the API shows.
const checklistFresh = 10 * time.Second

// checklistJSON is the checklist as the API shows it.
type checklistJSON struct {
	At    time.Time       `json:"at"`
	Red   int             `json:"red"`
	Amber int             `json:"amber"`
	Green int             `json:"green"`
	Rows  []checklist.Row `json:"rows"`
}

// probeJSON is a probe as the API shows it.
type probeJSON struct {
	At      time.Time      `json:"at"`
	Tried   int            `json:"tried"`
	Reached int            `json:"reached"`
	Results []probe.Result `json:"results"`
}

// proofJSON says whether the proxy is the only way to an app.
type proofJSON struct {
	TriedAt          time.Time `json:"tried_at"`
	OnlyThroughProxy bool      `json:"only_through_proxy"`
	Answered         bool      `json:"answered"` // through the proxy
	Leaks            []string  `json:"leaks"`    // addresses that another network reaches
}

func proofJSONOf(proof reach.Proof) *proofJSON {
	made := &proofJSON{TriedAt: proof.At, OnlyThroughProxy: proof.Good(), Answered: proof.Answered, Leaks: []string{}}
	for _, leak := range proof.Leaks {
		made.Leaks = append(made.Leaks, leak.Address)
	}
	return made
}

func (a *admin) apiShowChecklist(v *visit) error {
	if a.checklist == nil {
		return errNoChecklist()
	}
	report := a.checklist.Last()
	if time.Since(report.At) > checklistFresh {
		report = a.checklist.Check(v.context())
	}
	return v.json(http.StatusOK, checklistJSON{
		At: report.At, Red: report.Red(), Amber: report.Count(checklist.Amber), Green: report.Count(checklist.Green), Rows: list(report.Rows),
	})
}

// apiRunProbe answers with what the probe tried.
func (a *admin) apiRunProbe(v *visit) error {
	report, err := a.probe(v)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, probeJSONOf(report))
}

func probeJSONOf(report reach.Report) probeJSON {
	return probeJSON{At: report.At, Tried: len(report.Results), Reached: len(report.Leaks()), Results: list(report.Results)}
}
