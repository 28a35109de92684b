package router

import (
	"os"
	"testing"
	"time"

	"berth/controller/audit"
)

// TestPreview_ShootsTheAuditLog is TestPreview_ShootsEveryPage for a real audit log.
func TestPreview_ShootsTheAuditLog(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("BERTH_PREVIEW")
	if folder == "" {
		t.Skip("BERTH_PREVIEW names no folder")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s := newAuditedSite(t)
	fillAudit(s)
	p := &preview{window: openWindow(t, s.site), folder: folder, only: os.Getenv("BERTH_PREVIEW_ONLY")}
	p.fill("/login", `#password`, s.accounts.password, `form[action="/login"] button`)
	p.shoot("audit", "/settings/audit")
	p.shoot("audit-filtered", "/settings/audit?text=shop&outcome=failure&from=soon")
	p.shoot("audit-none", "/settings/audit?text=nothing")
}

func fillAudit(s *auditedSite) {
	firefox := "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	safari := "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	events := []audit.Event{
		{Action: audit.ActionLoginFailure, Account: audit.UnknownAccount, Address: "203.0.113.50", UserAgent: "python-requests/2.32.3", Detail: "refused: wrong user name or password"},
		{Action: audit.ActionRateLimitExceeded, Address: "203.0.113.50", UserAgent: "python-requests/2.32.3", Resource: "limit login", Detail: "POST /login"},
		{Action: audit.ActionLoginSuccess, Success: true, Account: "admin", Address: "2001:db8:85a3::8a2e:370:7334", UserAgent: safari},
		{Action: audit.ActionAppCreate, Success: true, Account: "token github-actions", Address: "192.0.2.14", UserAgent: "berth/0.3.0 linux/amd64", Resource: "app shop"},
		{Action: audit.ActionReleaseFailed, Account: "token github-actions", Resource: "release shop r1", Detail: "failed"},
		{Action: audit.ActionAppSettings, Success: true, Account: "admin", Address: "192.0.2.7", UserAgent: firefox, Resource: "app shop"},
		{Action: audit.ActionWaiverGrant, Success: true, Account: "admin", Address: "192.0.2.7", UserAgent: firefox, Resource: "app shop", Detail: "writable root"},
		{Action: audit.ActionTokenCreate, Success: true, Account: audit.CommandLine, Resource: "token backup", Detail: "scope read, for 720h0m0s"},
	}
	for i, event := range events {
		event.At = time.Now().Add(time.Duration(i-len(events)) * 17 * time.Minute)
		if event.Address != "" {
			event.RequestID = "Q7W3JX2PLM5ZT4KD"
		}
		s.log.Record(s.t.Context(), event)
	}
}
