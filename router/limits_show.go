package router

import (
	"fmt"
	"net/http"
	"time"

	"berth/controller"
	"berth/controller/limit"
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

// limitRow is one class.
type limitRow struct {
	limit.ClassState
	State badge
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
	state, err := a.limits.State(v.context())
	if err != nil {
		return err
	}
	page := limitsPage{frame: v.frame("Rate limits"), Now: a.now()}
	page.Section, page.Tab = "settings", "limits"
	for _, class := range state.Classes {
		page.Classes = append(page.Classes, limitRow{ClassState: class, State: limitBadge(class)})
	}
	for _, counter := range state.Limited {
		class, _ := limit.Describe(counter.Class)
		page.Limited = append(page.Limited, limitedRow{
			Counter: counter, Title: class.Title, Wait: limit.SpanWords(max(time.Second, counter.Until.Sub(page.Now))),
		})
	}
	page.draw(state)
	return v.page(http.StatusOK, "limits", page)
}

// clearLimit forgets what was counted of one subject: 303 to the page.
func (a *admin) clearLimit(v *visit) error {
	form := v.request().PostForm
	key := limit.Key{Class: limit.Class(form.Get("class")), Subject: limit.Subject(form.Get("subject"))}
	class, known := limit.Describe(key.Class)
	if !known || key.Subject == "" {
		return &controller.Problem{
			Kind: controller.KindInvalid, Message: "There is no such limit.",
			Hint: "Open the page of the limits again and choose one there.",
		}
	}
	v.done.resource, v.done.detail = "limit "+string(key.Class), string(key.Subject)
	if err := a.limits.Clear(v.context(), key); err != nil {
		return err
	}
	if err := v.notify(fmt.Sprintf("%s: %s can go on.", class.Title, key.Subject)); err != nil {
		return err
	}
	return v.seeOther("/settings/limits")
}

func limitBadge(class limit.ClassState) badge {
	switch {
	case class.Limited > 0:
		return badge{Word: fmt.Sprintf("%d limited", class.Limited), Tone: toneBad}
	case class.Unused:
		return badge{Word: "Not used yet", Tone: toneIdle}
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
