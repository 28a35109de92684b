package router

import (
	"fmt"
	"net/http"
	"time"

	"berth/controller/limit"
	"berth/controller/problem"
)

type limitsPage struct {
	frame
	Classes []limitRow
	Limited []limitedRow
	Refused []refusedHour // the last day, the oldest first
	InAll   int           // of Refused
	Most    int           // of Refused
	Now     time.Time
}

// limitTyped is a new limit that was refused.
type limitTyped struct {
	Class   limit.Class
	Budget  string
	Problem *problem.Problem
}

// limitRow is one class.
type limitRow struct {
	limit.ClassState
	State   badge
	Typed   string           // into its field
	Problem *problem.Problem // with it
}

// limitedRow is somebody who is refused for now.
type limitedRow struct {
	limit.Counter
	Title string // of the class
	Wait  string // until there is room again
}

// refusedHour is one bar of the picture, as parts of its height.
type refusedHour struct {
	At     time.Time
	Count  int
	X, Y   int
	Height int
}

// The picture of the last day, in its own units.
const (
	barWidth   = 10
	barsHeight = 60
)

func (a *admin) showLimits(v *visit) error {
	return a.limitsForm(v, http.StatusOK, limitTyped{})
}

// updateLimit changes one limit at once, or brings back the one of the
// configuration: 303 to the page.
func (a *admin) updateLimit(v *visit) error {
	form := v.request().PostForm
	class, known := limit.Describe(limit.Class(form.Get("class")))
	if !known {
		return noSuchLimit()
	}
	v.done.resource, v.done.detail = "limit "+string(class.Class), "back to the configuration"
	if form.Get("reset") != "" {
		if err := a.limits.Reset(v.context(), class.Class); err != nil {
			return err
		}
		return a.sayLimit(v, class.Title+": the first limit holds again.")
	}
	budget, problem := parseLimit(class.Class, form.Get("budget"))
	if problem != nil {
		v.done.detail = "refused: no limit"
		return a.limitsForm(v, statusOf(problem.Kind), limitTyped{class.Class, form.Get("budget"), problem})
	}
	v.done.detail = budget.Words()
	if err := a.limits.Choose(v.context(), class.Class, budget); err != nil {
		return err
	}
	return a.sayLimit(v, fmt.Sprintf("%s: the limit is %s from now on.", class.Title, budget.Words()))
}

func (a *admin) sayLimit(v *visit, sentence string) error {
	if err := v.notify(sentence); err != nil {
		return err
	}
	return v.seeOther(limitsPath)
}

// leastDefault is how many requests a minute the class Default must allow on
// average, so that nobody shuts themselves out of the page that changes it.
const leastDefault = 10

func parseLimit(class limit.Class, text string) (limit.Budget, *problem.Problem) {
	budget, err := limit.ParseBudget(text)
	if err != nil {
		return nil, problem.Invalid(
			fmt.Sprintf("%.40q is not a limit.", text),
			"Write "+limit.BudgetForm+".",
		).At("budget").Because(err)
	}
	for _, window := range budget {
		if class == limit.Default && float64(window.Requests) < leastDefault*window.Span.Minutes() {
			return nil, problem.Invalid(
				fmt.Sprintf("Fewer than %d requests a minute would shut you out of these pages.", leastDefault),
				"Allow more, such as 100/1m,1000/1h.",
			).At("budget")
		}
	}
	return budget, nil
}

func noSuchLimit() error {
	return problem.Invalid("There is no such limit.", "Open the page of the limits again and choose one there.")
}

func (a *admin) limitsForm(v *visit, status int, typed limitTyped) error {
	state, err := a.limits.State(v.context())
	if err != nil {
		return err
	}
	page := limitsPage{frame: v.frame("Rate limits"), Now: a.now()}
	page.Section, page.Tab = "settings", "limits"
	for _, class := range state.Classes {
		row := limitRow{ClassState: class, State: limitBadge(class), Typed: class.Budget.String()}
		if class.Description.Class == typed.Class {
			row.Typed, row.Problem = typed.Budget, typed.Problem
		}
		page.Classes = append(page.Classes, row)
	}
	for _, counter := range state.Limited {
		class, _ := limit.Describe(counter.Class)
		page.Limited = append(page.Limited, limitedRow{
			Counter: counter, Title: class.Title, Wait: limit.SpanWords(max(time.Second, counter.Until.Sub(page.Now))),
		})
	}
	page.draw(state)
	return v.page(status, "limits", page)
}

// clearLimit forgets what was counted of one subject: 303 to the page.
func (a *admin) clearLimit(v *visit) error {
	form := v.request().PostForm
	key := limit.Key{Class: limit.Class(form.Get("class")), Subject: limit.Subject(form.Get("subject"))}
	class, known := limit.Describe(key.Class)
	if !known || key.Subject == "" {
		return noSuchLimit()
	}
	v.done.resource, v.done.detail = "limit "+string(key.Class), string(key.Subject)
	if err := a.limits.Clear(v.context(), key); err != nil {
		return err
	}
	if err := v.notify(fmt.Sprintf("%s: %s can go on.", class.Title, key.Subject)); err != nil {
		return err
	}
	return v.seeOther(limitsPath)
}

func limitBadge(class limit.ClassState) badge {
	switch {
	case class.Limited > 0:
		return badge{Word: fmt.Sprintf("%d limited", class.Limited), Tone: toneBad}
	default:
		return badge{Word: "Free", Tone: toneGood}
	}
}

// draw makes the bars of the last day.
func (p *limitsPage) draw(state limit.State) {
	const hours = 24
	p.Refused = make([]refusedHour, hours)
	for i := range p.Refused {
		p.Refused[i] = refusedHour{At: state.Begins.Add(time.Duration(i) * time.Hour), X: i * barWidth}
	}
	for _, refused := range state.Hours {
		i := int(refused.Hour.Sub(state.Begins) / time.Hour)
		if i >= 0 && i < hours {
			p.Refused[i].Count += refused.Count
			p.Most = max(p.Most, p.Refused[i].Count)
			p.InAll += refused.Count
		}
	}
	for i, hour := range p.Refused {
		if hour.Count > 0 {
			p.Refused[i].Height = max(2, hour.Count*barsHeight/p.Most)
		}
		p.Refused[i].Y = barsHeight - p.Refused[i].Height
	}
}
