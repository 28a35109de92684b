package controller_test

import (
	"bytes"
	"testing"
	"time"

	"berth/controller/audit"
)

// FuzzParseAuditLine proves that what is read is written again to the byte: no
// two lines are one entry.
func FuzzParseAuditLine(f *testing.F) {
	entry := audit.Entry{Sequence: 7, Previous: "00", Hash: "ff"}
	entry.At, entry.Action, entry.UserAgent = time.Date(2025, 9, 29, 14, 23, 45, 120_000, time.UTC), "LOGIN_SUCCESS", "<b>\u00fc"
	f.Add(entry.Line())
	f.Add([]byte(`{"timestamp":"2025-09-29T14:23:45Z"}`))
	f.Add([]byte(`{"sequence":1e3}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, line []byte) {
		parsed, err := audit.ParseLine(line)
		if err == nil && !bytes.Equal(parsed.Line(), append(bytes.TrimSuffix(line, []byte("\n")), '\n')) {
			t.Errorf("%q was read as %q", line, parsed.Line())
		}
	})
}

func TestAuditLine_ReadsBackTheSame(t *testing.T) {
	t.Parallel()
	entry := audit.Entry{Sequence: 7, Previous: "00", Hash: "ff"}
	entry.At, entry.Action, entry.UserAgent, entry.Success = time.Date(2025, 9, 29, 14, 23, 45, 123_456_000, time.UTC), "A", "<b>&\u00fc\ufffd", true
	parsed, err := audit.ParseLine(entry.Line())
	if err != nil || parsed != entry {
		t.Errorf("got %+v, %v", parsed, err)
	}
}

func BenchmarkAuditLog_Record(b *testing.B) {
	h := newAuditHouse(b)
	for b.Loop() {
		h.record(1)
	}
}

func BenchmarkAuditLog_Verify(b *testing.B) {
	h := newAuditHouse(b)
	h.record(2000)
	for b.Loop() {
		h.verify()
	}
}
