package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"berth/controller/app"
	"berth/controller/checklist"
	"berth/controller/probe"
	"berth/controller/problem"
	"berth/controller/reach"
)

// Checklist checks what a server needs before strangers may reach it.
type Checklist interface {
	Last() checklist.Report
	Check(context.Context) checklist.Report
}

// Prober tries what no app may reach, and knows what it found.
type Prober interface {
	Proof(context.Context, app.ReleaseID) (reach.Proof, error)
	Report(context.Context) (reach.Report, error)
	Probe(context.Context) (reach.Report, error)
}

const checklistPath = "/checklist"

// checklistTones are how the rows' states look.
var checklistTones = map[checklist.State]badge{
	checklist.Green: {Word: "OK", Tone: toneGood},
	checklist.Amber: {Word: "look at it", Tone: toneWarn},
	checklist.Red:   {Word: "fix it", Tone: toneBad},
}

type checklistPage struct {
	frame
	Report checklist.Report
	Rows   []checklistRow // the red ones first
	Red    int
	Amber  int
	Probe  *probeView // nil: there was none
}

type checklistRow struct {
	checklist.Row

	Badge badge
}

// probeView is the last probe as the page shows it.
type probeView struct {
	reach.Report

	Groups []probeGroup
	Leaks  []probe.Try
}

// probeGroup is what of one kind a probe tried.
type probeGroup struct {
	Label          string
	Tried, Reached int
}

func (a *admin) showChecklist(v *visit) error {
	if a.checklist == nil || a.prober == nil {
		return errNoChecklist()
	}
	report := a.checklist.Last()
	if report.At.IsZero() {
		report = a.checklist.Check(v.context())
	}
	page := checklistPage{frame: v.frame("Checklist"), Report: report, Red: report.Red(), Amber: report.Count(checklist.Amber)}
	page.Section, page.Tab = "settings", "checklist"
	for _, state := range []checklist.State{checklist.Red, checklist.Amber, checklist.Green} {
		for _, row := range report.Rows {
			if row.State == state {
				page.Rows = append(page.Rows, checklistRow{row, checklistTones[state]})
			}
		}
	}
	last, err := a.prober.Report(v.context())
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return err
	}
	if err == nil {
		page.Probe = &probeView{Report: last, Groups: probeGroups(last), Leaks: last.Leaks()}
	}
	return v.page(http.StatusOK, "checklist", page)
}

// checkListAgain checks every row now.
func (a *admin) checkListAgain(v *visit) error {
	v.done.resource = "checklist"
	if a.checklist == nil {
		return errNoChecklist()
	}
	report := a.checklist.Check(v.context())
	v.done.detail = checklistWords(report)
	if err := v.notify("Checked: " + checklistWords(report) + "."); err != nil {
		return err
	}
	return v.seeOther(checklistPath)
}

// runProbe runs a probe, and checks every row with what it found.
func (a *admin) runProbe(v *visit) error {
	report, err := a.probe(v)
	if err != nil {
		return err
	}
	if err := v.notify(probeWords(report)); err != nil {
		return err
	}
	return v.seeOther(checklistPath)
}

func (a *admin) probe(v *visit) (reach.Report, error) {
	v.done.resource = "probe"
	if a.checklist == nil || a.prober == nil {
		return reach.Report{}, errNoChecklist()
	}
	report, err := a.prober.Probe(v.context())
	if err != nil {
		return reach.Report{}, problem.Unavailable("The probe could not be run.", "See that the container engine answers, and run it again.").Because(err)
	}
	v.done.detail = probeWords(report)
	a.checklist.Check(v.context())
	return report, nil
}

func errNoChecklist() error {
	return problem.Unavailable("This server has no checklist.", "Run berth serve, which has one.")
}

func checklistWords(report checklist.Report) string {
	return fmt.Sprintf("%d red, %d amber, %d green", report.Red(), report.Count(checklist.Amber), report.Count(checklist.Green))
}

func probeWords(report reach.Report) string {
	return fmt.Sprintf("The probe reached %d of %d addresses.", len(report.Leaks()), len(report.Results))
}

// probeLabels are the kinds of tries in the order of the page.
var probeLabels = []struct {
	kind  probe.Kind
	label string
}{
	{probe.App, "Instances of apps, directly"},
	{probe.Proxy, "The proxy's own pages and API"},
	{probe.Admin, "The admin app and the dashboard"},
	{probe.Broker, "The broker and the engine"},
	{probe.Host, "Ports of this machine"},
	{probe.LinkLocal, "Link-local, where clouds keep credentials"},
}

func probeGroups(report reach.Report) []probeGroup {
	groups := make([]probeGroup, 0, len(probeLabels))
	for _, one := range probeLabels {
		group := probeGroup{Label: one.label}
		for _, result := range report.Results {
			if result.Kind != one.kind {
				continue
			}
			group.Tried++
			if result.Reached {
				group.Reached++
			}
		}
		groups = append(groups, group)
	}
	return groups
}

// proofOf is what was found out about the live release; nil until it was.
func (a *admin) proofOf(v *visit, name app.Name, live int64) (*reach.Proof, error) {
	if a.prober == nil || live == 0 {
		return nil, nil //nolint:nilnil // nothing is known, which is no error
	}
	proof, err := a.prober.Proof(v.context(), app.ReleaseID{App: name, Number: live})
	if errors.Is(err, problem.ErrNotFound) {
		return nil, nil //nolint:nilnil // likewise
	}
	return &proof, err
}

// redRows is how many rows of the last checklist are red.
func (a *admin) redRows() int {
	if a.checklist == nil {
		return 0
	}
	return a.checklist.Last().Red()
}
