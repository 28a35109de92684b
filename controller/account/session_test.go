package account

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
		if session.Expired(now, DefaultSessionLife()) != check.expired {
			t.Errorf("%s: expired is %t", name, !check.expired)
		}
	}
}

func TestSession_ExpiresByTheLifeThatIsConfigured(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	session := Session{SeenAt: now.Add(-10 * time.Minute), CreatedAt: now.Add(-2 * time.Hour)}
	for life, expired := range map[SessionLife]bool{
		{}: true,
		{Idle: 5 * time.Minute, Absolute: 3 * time.Hour}:  true,
		{Idle: 15 * time.Minute, Absolute: time.Hour}:     true,
		{Idle: 15 * time.Minute, Absolute: 3 * time.Hour}: false,
	} {
		if session.Expired(now, life) != expired {
			t.Errorf("%+v: expired is %t", life, !expired)
		}
	}
}

func TestSession_WaitsForTheSecondFactorOnlyMinutes(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	session := Session{Pending: 1, SeenAt: now, CreatedAt: now.Add(time.Second - PendingLogin)}
	if session.Expired(now, DefaultSessionLife()) {
		t.Error("ended early")
	}
	if !session.Expired(now.Add(time.Second), DefaultSessionLife()) {
		t.Error("still waits")
	}
}
