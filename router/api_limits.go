package router

import (
	"net/http"
	"time"

	"berth/controller/limit"
)

// limitJSON is one limit on requests.
type limitJSON struct {
	Class  limit.Class `json:"class"`
	Title  string      `json:"title"`
	Per    string      `json:"per"`    // whose count it is
	Budget string      `json:"budget"` // such as 10/1h
	Chosen bool        `json:"chosen"` // it is not that of the configuration
}

// limitedJSON is somebody who is refused for now.
type limitedJSON struct {
	Class   limit.Class   `json:"class"`
	Subject limit.Subject `json:"subject"`
	Until   time.Time     `json:"until"`
	Refused int           `json:"refused"` // requests since the last one that fitted
}

// limitsJSON is all limits, and who is refused for now.
type limitsJSON struct {
	Limits  []limitJSON   `json:"limits"`
	Limited []limitedJSON `json:"limited"`
}

// budgetWish is a new limit, such as 10/1h.
type budgetWish struct {
	Budget string `json:"budget"`
}

// subjectWish names whose count is forgotten.
type subjectWish struct {
	Subject limit.Subject `json:"subject"`
}

func (a *admin) apiListLimits(v *visit) error {
	state, err := a.limits.State(v.context())
	if err != nil {
		return err
	}
	made := limitsJSON{Limits: []limitJSON{}, Limited: []limitedJSON{}}
	for _, class := range state.Classes {
		made.Limits = append(made.Limits, limitJSON{class.Description.Class, class.Title, class.Per, class.Budget.String(), class.Chosen})
	}
	for _, one := range state.Limited {
		made.Limited = append(made.Limited, limitedJSON{one.Class, one.Subject, one.Until, one.Refused})
	}
	return v.json(http.StatusOK, made)
}

// limitClass is the limit that the path names.
func (v *visit) limitClass() (limit.Description, error) {
	class, known := limit.Describe(limit.Class(v.gin.Param("class")))
	if !known {
		return limit.Description{}, notFound("There is no such limit.", nil)
	}
	v.done.resource = "limit " + string(class.Class)
	return class, nil
}

// apiUpdateLimit changes one limit at once.
func (a *admin) apiUpdateLimit(v *visit) error {
	class, err := v.limitClass()
	if err != nil {
		return err
	}
	var wish budgetWish
	if err := decodeJSON(v.request(), &wish, `{"budget": "10/1h"}`); err != nil {
		return err
	}
	budget, wrong := parseLimit(class.Class, wish.Budget)
	if wrong != nil {
		return wrong
	}
	v.done.detail = budget.Words()
	if err := a.limits.Choose(v.context(), class.Class, budget); err != nil {
		return err
	}
	return a.apiListLimits(v)
}

// apiResetLimit brings back the limit of the configuration.
func (a *admin) apiResetLimit(v *visit) error {
	class, err := v.limitClass()
	if err != nil {
		return err
	}
	v.done.detail = "back to the configuration"
	if err := a.limits.Reset(v.context(), class.Class); err != nil {
		return err
	}
	return a.apiListLimits(v)
}

// apiClearLimit forgets what was counted of one subject.
func (a *admin) apiClearLimit(v *visit) error {
	class, err := v.limitClass()
	if err != nil {
		return err
	}
	var wish subjectWish
	if err := decodeJSON(v.request(), &wish, `{"subject": "address 192.0.2.1"}`); err != nil {
		return err
	}
	if wish.Subject == "" {
		return noSuchLimit()
	}
	v.done.detail = string(wish.Subject)
	if err := a.limits.Clear(v.context(), limit.Key{Class: class.Class, Subject: wish.Subject}); err != nil {
		return err
	}
	return a.apiListLimits(v)
}
