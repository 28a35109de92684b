package templates

import (
	"fmt"
	"html/template"
	"strconv"
	"time"
)

// functions are what pages may call: numbers and times in words, with units.
func (s *Set) functions() template.FuncMap {
	return template.FuncMap{
		"asset": s.Asset,
		"ago":   func(at time.Time) string { return Ago(at, time.Now()) },
		"ahead": func(at time.Time) string { return Ahead(at, time.Now()) },
		"exact": exact,
		"stamp": stamp,
		"clock": clock,
		"bytes": Bytes,
		"span":  Span,
		"cpu":   cpu,
	}
}

const day = 24 * time.Hour

// Ago says how long before now a moment was, and gives the date where that is long.
func Ago(at, now time.Time) string {
	past := now.Sub(at)
	switch {
	case past < 5*time.Second:
		return "just now"
	case past < time.Minute:
		return fmt.Sprintf("%d s ago", past/time.Second)
	case past < time.Hour:
		return fmt.Sprintf("%d min ago", past/time.Minute)
	case past < day:
		return fmt.Sprintf("%d h ago", past/time.Hour)
	case past < 60*day:
		return fmt.Sprintf("%d d ago", past/day)
	default:
		return at.UTC().Format("2 Jan 2006")
	}
}

// Ahead says how far after now a moment is.
func Ahead(at, now time.Time) string {
	left := at.Sub(now)
	switch {
	case left <= 0:
		return "now"
	case left < time.Hour:
		return fmt.Sprintf("in %d min", max(1, left.Round(time.Minute)/time.Minute))
	case left < 2*day:
		return fmt.Sprintf("in %d h", left.Round(time.Hour)/time.Hour)
	case left < 60*day:
		return fmt.Sprintf("in %d d", left.Round(day)/day)
	default:
		return at.UTC().Format("2 Jan 2006")
	}
}

// Bytes gives a size with its unit, in powers of 1024 as limits are set.
func Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %s", value, units[unit])
	}
	return fmt.Sprintf("%.0f %s", value, units[unit])
}

// Span gives a duration with its unit, as exact as a person needs it.
func Span(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// cpu gives a share of one core.
func cpu(percent float64) string {
	if percent < 10 {
		return fmt.Sprintf("%.1f%%", percent)
	}
	return fmt.Sprintf("%.0f%%", percent)
}

func exact(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }
func clock(at time.Time) string { return at.UTC().Format("15:04:05") }
