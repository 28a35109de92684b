package router

import (
	"net/http"
	"time"

	"berth/controller/audit"
	"berth/router/openapi"
)

// auditEntryJSON is an entry of the audit log.
type auditEntryJSON struct {
	Sequence  int64        `json:"sequence"`
	At        time.Time    `json:"at"`
	Action    audit.Action `json:"action"`
	Success   bool         `json:"success"`
	Account   string       `json:"account"`
	Address   string       `json:"address"`
	Resource  string       `json:"resource"`
	Detail    string       `json:"detail"`
	UserAgent string       `json:"user_agent"`
	RequestID string       `json:"request_id"`
	Hash      string       `json:"hash"`
}

// auditJSON is a page of the audit log, the newest entry first.
type auditJSON struct {
	Entries []auditEntryJSON `json:"entries"`
	Next    string           `json:"next,omitempty"` // path of the next page; none: this is the last one
}

// verdictJSON is what a check of the whole log found.
type verdictJSON struct {
	Whole    bool     `json:"whole"`
	Entries  int64    `json:"entries"`
	Removed  int64    `json:"removed"` // when their time was over
	Findings []string `json:"findings"`
	More     int      `json:"more"` // findings beyond those
}

// auditQuery are the parameters of a page of the audit log.
var auditQuery = append(append([]openapi.Query{}, auditFilterQuery...), pageQuery...)

// auditFilterQuery are the parameters of its filter.
var auditFilterQuery = []openapi.Query{
	{Name: filterText, Text: "Anywhere in the entry."},
	{Name: filterAction, Text: "Such as app.create."},
	{Name: filterWho, Text: "An account or a token."},
	{Name: filterOutcome, Text: "success or failure."},
	{Name: filterFrom, Text: "The first day, such as 2026-03-31."},
	{Name: filterTo, Text: "The last day."},
}

func (a *admin) apiListAudit(v *visit) error {
	typed := typedAuditFilter(v.request().URL.Query())
	filter, problems := typed.parse()
	if wrong := problems.first(); wrong != nil {
		return wrong
	}
	page, err := v.pageWish()
	if err != nil {
		return err
	}
	entries, err := a.audit.List(v.context(), filter, audit.Page{Before: page.cursor, Limit: page.limit + 1})
	if err != nil {
		return err
	}
	made := auditJSON{Entries: []auditEntryJSON{}}
	for _, entry := range entries[:min(len(entries), page.limit)] {
		made.Entries = append(made.Entries, auditEntryJSON{
			entry.Sequence, entry.At, entry.Action, entry.Success, entry.Account, entry.Address, entry.Resource, entry.Detail,
			entry.UserAgent, entry.RequestID, entry.Hash,
		})
	}
	if len(entries) > page.limit {
		made.Next = v.nextPage(entries[page.limit-1].Sequence)
	}
	return v.json(http.StatusOK, made)
}

// apiVerifyAudit checks every entry.
func (a *admin) apiVerifyAudit(v *visit) error {
	v.done.resource = "audit log"
	verdict, err := a.audit.Verify(v.context())
	if err != nil {
		return err
	}
	made := verdictJSON{Whole: verdict.Whole(), Entries: verdict.Entries, Removed: verdict.Removed, Findings: []string{}, More: verdict.More}
	for _, finding := range verdict.Findings {
		made.Findings = append(made.Findings, finding.String())
	}
	v.done.detail = verdictWords(verdict)
	return v.json(http.StatusOK, made)
}
