package router

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"berth/controller/audit"
)

const (
	auditPath     = "/settings/audit"
	auditPageSize = 50
	// shownFindings is how many findings of a check the page shows; the command line shows more.
	shownFindings = 10
)

type auditPage struct {
	frame
	Rows      []auditRow
	Filter    auditFilter
	Filtered  bool
	Actions   []audit.Action
	Who       []string
	Problems  fieldProblems
	Chain     auditChainView
	Older     string // path; empty where there are none
	Newer     string
	JSONL     string
	CSV       string
	ResetPath string
}

// auditRow is an entry as the page shows it.
type auditRow struct {
	audit.Entry
	Outcome badge
	Agent   string // the user agent in a word or two
}

// auditChainView says whether the log is as it was written.
type auditChainView struct {
	Badge    badge
	Entries  int64
	Verdict  audit.Verdict // of the last whole check
	Findings []audit.Finding
	More     int
}

// showAudit is the audit log, the newest entry first.
func (a *admin) showAudit(v *visit) error {
	page := auditPage{frame: v.frame("Audit log"), Filter: typedAuditFilter(v.request().URL.Query()), ResetPath: auditPath}
	page.Section, page.Tab = "settings", "audit"
	page.Filtered = page.Filter.set()
	filter, problems := page.Filter.parse()
	page.Problems = problems
	var err error
	if page.Chain, err = a.auditChain(v); err != nil {
		return err
	}
	if page.Actions, err = a.audit.Actions(v.context()); err != nil {
		return err
	}
	if page.Who, err = a.audit.Accounts(v.context()); err != nil {
		return err
	}
	if len(problems) == 0 {
		if err := a.listAudit(v, &page, filter); err != nil {
			return err
		}
	}
	export := auditPath + "/export"
	page.JSONL, page.CSV = page.Filter.path(export, "format", "jsonl"), page.Filter.path(export, "format", "csv")
	return v.page(problems.status(), "audit", page)
}

// listAudit fills in the rows of the page that the address names, and the ways on.
func (a *admin) listAudit(v *visit, page *auditPage, filter audit.Filter) error {
	cursor := audit.Page{Before: v.cursor("before"), After: v.cursor("after"), Limit: auditPageSize + 1}
	if cursor.Before != 0 {
		cursor.After = 0
	}
	entries, err := a.audit.List(v.context(), filter, cursor)
	if err != nil {
		return err
	}
	if cursor.After != 0 && len(entries) < auditPageSize { // the newest page, and a full one
		cursor.After = 0
		if entries, err = a.audit.List(v.context(), filter, cursor); err != nil {
			return err
		}
	}
	more := len(entries) > auditPageSize
	newer, older := cursor.Before != 0, more
	switch {
	case cursor.After != 0:
		newer, older = more, true
		entries = entries[len(entries)-min(len(entries), auditPageSize):]
	case more:
		entries = entries[:auditPageSize]
	}
	for _, entry := range entries {
		page.Rows = append(page.Rows, auditRowOf(entry))
	}
	if len(entries) > 0 && older {
		page.Older = page.Filter.path(auditPath, "before", strconv.FormatInt(entries[len(entries)-1].Sequence, 10))
	}
	if len(entries) > 0 && newer {
		page.Newer = page.Filter.path(auditPath, "after", strconv.FormatInt(entries[0].Sequence, 10))
	}
	return nil
}

// cursor is a sequence in the address; 0 where there is none that can be one.
func (v *visit) cursor(name string) int64 {
	sequence, err := strconv.ParseInt(v.gin.Query(name), 10, 64)
	if err != nil || sequence < 0 {
		return 0
	}
	return sequence
}

// auditChain looks at the end of the chain, and says what the last whole check found.
func (a *admin) auditChain(v *visit) (auditChainView, error) {
	entries, good, err := a.audit.CheckHead(v.context())
	if err != nil {
		return auditChainView{}, err
	}
	view := auditChainView{Badge: badge{"OK", toneGood}, Entries: entries, Verdict: a.audit.LastVerdict()}
	checked := !view.Verdict.At.IsZero()
	if !good || checked && !view.Verdict.Whole() {
		view.Badge = badge{"broken", toneBad}
	}
	view.Findings = view.Verdict.Findings[:min(len(view.Verdict.Findings), shownFindings)]
	view.More = len(view.Verdict.Findings) - len(view.Findings) + view.Verdict.More
	return view, nil
}

// Broken reports whether the end of the chain was tampered with, whatever the last check found.
func (c auditChainView) Broken() bool { return c.Badge.Tone == toneBad && len(c.Findings) == 0 }

func auditRowOf(entry audit.Entry) auditRow {
	row := auditRow{Entry: entry, Outcome: badge{"success", toneGood}, Agent: agentName(entry.UserAgent)}
	if !entry.Success {
		row.Outcome = badge{"failure", toneBad}
	}
	return row
}

// agentName is a user agent in a word or two: the browser and where it runs.
func agentName(agent string) string {
	find := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	// In this order: most browsers claim to be the ones after them, too.
	browser := find("Firefox/", "Firefox", "Edg/", "Edge", "OPR/", "Opera", "Chrome/", "Chrome", "Safari/", "Safari")
	system := find("Windows", "Windows", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Mac OS X", "macOS", "Linux", "Linux")
	if browser != "" && system != "" {
		return fmt.Sprintf("%s on %s", browser, system)
	}
	word, _, _ := strings.Cut(agent, " ")
	return fmt.Sprintf("%.32s", cmp.Or(browser, word))
}
