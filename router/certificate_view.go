package router

import (
	"time"

	"berth/controller/app"
	"berth/controller/certificates"
	"berth/traefik"
)

// domainRow is a host as lists and its own page show it.
type domainRow struct {
	Host   traefik.Host
	Path   string // of its page
	State  badge
	Apps   []app.Name
	From   string // where the certificate is from, in words
	Issuer string
	Names  []string
	Begins time.Time
	Ends   time.Time
	Has    bool // a certificate covers it

	Redirected bool
	Failure    *certificates.Failure // nil where there is none
	Waits      bool                  // for a certificate
	Own        bool
}

func domainPath(host traefik.Host) string { return "/settings/certificates/" + string(host) }

func domainRowOf(view certificates.DomainView, now time.Time) domainRow {
	seen := view.Seen
	row := domainRow{
		Host: view.Host, Path: domainPath(view.Host), Apps: view.Apps, From: sourceWords(view), Redirected: view.Redirected,
		Has: !seen.At.IsZero() && !seen.Fallback, Issuer: seen.Issuer, Names: seen.Names, Begins: seen.From, Ends: seen.Until,
		Own: view.Chain != nil,
	}
	if seen.Failure.Message != "" {
		row.Failure = &seen.Failure
	}
	row.Waits = view.Served && !row.Has && view.From != certificates.SourceNone
	row.State = domainBadge(view, row, now)
	return row
}

func domainBadge(view certificates.DomainView, row domainRow, now time.Time) badge {
	seen := view.Seen
	switch {
	case row.Has && now.After(seen.Until):
		return badge{"ended", toneBad}
	case row.Has && seen.EndsSoon(now):
		return badge{"expires soon", toneWarn}
	case row.Has && seen.DryRun:
		return badge{"dry run", toneWarn}
	case row.Has && seen.Trusted:
		return badge{"secure", toneGood}
	case row.Has:
		return badge{"not known to browsers", toneWarn}
	case row.Failure != nil:
		return badge{"refused", toneBad}
	case !view.Served:
		return badge{"not running", toneIdle}
	case row.Waits:
		return badge{"waiting", toneBusy}
	default:
		return badge{"no certificate", toneIdle}
	}
}

func sourceWords(view certificates.DomainView) string {
	switch view.From {
	case certificates.SourceOwn:
		return "your own"
	case certificates.SourceHTTP:
		return "the authority, over port 80"
	case certificates.SourceTLS:
		return "the authority, over port 443"
	case certificates.SourceDNS:
		if view.Wildcard == "" {
			return "the authority, over DNS"
		}
		return "the authority, one for *." + string(view.Wildcard)
	default:
		return "none"
	}
}
