package controller

import (
	"testing"
	"time"
)

func TestSession_ExpiresWhenIdleAndWhenOldHoweverBusy(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for name, check := range map[string]struct {
		idle, age time.Duration
		expired   bool
	}{
		"fresh":              {0, 0, false},
		"just within idle":   {SessionIdle - time.Second, time.Hour, false},
		"idle":               {SessionIdle, time.Hour, true},
		"busy and not old":   {time.Second, SessionAbsolute - time.Second, false},
		"busy and too old":   {0, SessionAbsolute, true},
		"seen in the future": {-time.Minute, time.Hour, false},
	} {
		session := Session{SeenAt: now.Add(-check.idle), CreatedAt: now.Add(-check.age)}
		if session.Expired(now) != check.expired {
			t.Errorf("%s: expired is %t", name, !check.expired)
		}
	}
}
