package router

import (
	"encoding/json"
	"errors"
	"net/http"

	"berth/controller/problem"
)

// problemDetails is an error as programs read it (RFC 9457).
type problemDetails struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"` // the request id, as in the log
	Hint     string `json:"hint,omitempty"`
	Field    string `json:"field,omitempty"`
	// Faults are all faults of an archive, or of fields where several are wrong; Detail,
	// Hint and Field are of the first.
	Faults []faultJSON `json:"faults,omitempty"`
}

// faultJSON is one fault of an archive or of a field.
type faultJSON struct {
	Field  string `json:"field,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"` // from 1
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
	// Offer names the choice that lifts the fault: binds, main, dotenv, plain, database or
	// writable_root. Subject is what it is about.
	Offer    problem.Offer `json:"offer,omitempty"`
	Subject  string        `json:"subject,omitempty"`
	Variable string        `json:"variable,omitempty"` // that has no value
}

func faultsJSON(faults problem.Refusals) []faultJSON {
	var made []faultJSON
	for _, fault := range faults {
		made = append(made, faultJSON{
			File: fault.File, Line: fault.Line, Reason: fault.Reason, Hint: fault.Hint,
			Offer: fault.Offer, Subject: fault.Subject, Variable: fault.Variable(),
		})
	}
	return made
}

// fieldFaultsJSON are the faults of all fields, where a problem stands for several.
func fieldFaultsJSON(fault *problem.Problem) []faultJSON {
	all, several := errors.AsType[problem.Problems](fault.Err)
	if !several {
		return nil
	}
	made := make([]faultJSON, 0, len(all))
	for _, one := range all {
		made = append(made, faultJSON{Field: one.Field, Reason: one.Message, Hint: one.Hint})
	}
	return made
}

// unavailableSeconds is how long a program waits for an engine or a proxy that is away.
const unavailableSeconds = "5"

func (v *visit) problemJSON(problem *problem.Problem) {
	status := statusOf(problem.Kind)
	body, err := json.Marshal(problemDetails{
		Type:     "about:blank",
		Title:    http.StatusText(status),
		Status:   status,
		Detail:   problem.Message,
		Instance: requestID(v.gin),
		Hint:     problem.Hint,
		Field:    problem.Field,
		Faults:   append(faultsJSON(problem.Faults), fieldFaultsJSON(problem)...),
	})
	if err != nil { // a struct of strings always encodes
		v.gin.Status(http.StatusInternalServerError)
		return
	}
	switch status {
	case http.StatusUnauthorized:
		v.gin.Header("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		v.gin.Header("Retry-After", unavailableSeconds)
	}
	v.gin.Data(status, "application/problem+json; charset=utf-8", append(body, '\n'))
}

// problemPage says what went wrong where there is no form to say it on.
type problemPage struct {
	frame
	Status    int
	Message   string
	Hint      string
	Faults    problem.Refusals
	RequestID string
}

func (a *admin) showProblem(v *visit, problem *problem.Problem) {
	status := statusOf(problem.Kind)
	page := problemPage{
		frame:  frame{Title: http.StatusText(status), Program: a.version, Theme: v.theme()},
		Status: status, Message: problem.Message, Hint: problem.Hint, Faults: problem.Faults, RequestID: requestID(v.gin),
	}
	if v.caller.signedIn() && !v.caller.account.MustChange {
		page.frame = v.frame(page.Title)
	}
	if err := v.page(status, "problem", page); err != nil {
		a.logger.ErrorContext(v.context(), "render problem", "request_id", requestID(v.gin), "error", err)
		v.gin.String(status, "%s\n", problem.Message)
	}
}

// fieldProblems are the problems of a form, by field; "" is the form as a whole.
type fieldProblems map[string]*problem.Problem

// add files err under its field. What is not for the person to mend is returned.
func (f fieldProblems) add(err error) error {
	if err == nil {
		return nil
	}
	fault := asProblem(err)
	switch fault.Kind {
	case problem.KindInvalid, problem.KindConflict, problem.KindTooLarge, problem.KindFull, problem.KindStale:
		f[fault.Field] = fault
		return nil
	default:
		return err
	}
}

// status is the status of the answer that shows the form again.
func (f fieldProblems) status() int {
	status := http.StatusOK
	for _, problem := range f {
		status = max(status, statusOf(problem.Kind))
	}
	return status
}

// first is one of the problems, for callers that take only one.
func (f fieldProblems) first() *problem.Problem {
	for _, field := range []string{"", fieldName, fieldRoute, fieldPort, fieldArchive, fieldImage} {
		if problem := f[field]; problem != nil {
			return problem
		}
	}
	for _, problem := range f {
		return problem
	}
	return nil
}

func isMissing(err error) bool {
	return errors.Is(err, problem.ErrNotFound) || problem.KindOf(err) == problem.KindNotFound && err != nil
}
