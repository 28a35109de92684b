package restore_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/audit"
	"berth/controller/backup"
)

// cutOff leaves what a process leaves that is killed during a backup or a drill.
func (s *server) cutOff(text string) {
	s.t.Helper()
	s.write("backups/under-way.json", text)
}

func TestRun_RecordsWhatTheProcessBeforeWasKilledAt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.drillOn()
	s.cutOff(`{"began_at": "2026-11-30T03:00:00Z", "by": "schedule"}`)
	runs := s.afterAStart()
	if len(runs) != 2 || runs[0].State != backup.Failed || runs[0].By != "schedule" || !strings.Contains(runs[0].Reason, "goes on with what was sent") {
		t.Errorf("the runs are %+v", runs)
	}
	s.cutOff(`{"began_at": "2026-11-30T04:00:00Z", "by": "ada", "drill": true}`)
	if again := s.afterAStart(); len(again) != 2 {
		t.Errorf("a drill is no backup: %+v", again)
	}
	drills, err := s.backups.Drills(t.Context())
	if err != nil || len(drills) != 1 || drills[0].State != backup.Failed || drills[0].By != "ada" {
		t.Errorf("the drills are %+v, %v", drills, err)
	}
	if last := s.audit.events[len(s.audit.events)-1]; last.Action != audit.ActionBackupDrill || last.Success || last.Account != "ada" {
		t.Errorf("the audit log says %+v", last)
	}
}

func TestRun_RecordsNothingTwice(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	run := s.backUp()
	began, err := run.BeganAt.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	s.cutOff(`{"began_at": "` + string(began) + `", "by": "` + run.By + `"}`) // killed between the record and the end
	if runs := s.afterAStart(); len(runs) != 1 || runs[0].State != backup.Done {
		t.Errorf("the runs are %+v", runs)
	}
}

// afterAStart returns the runs once a process has begun, and has forgotten the one before.
func (s *server) afterAStart() []backup.Run {
	s.t.Helper()
	s.running(func(context.Context) bool {
		_, err := os.Lstat(filepath.Join(s.data, "backups", "under-way.json"))
		return os.IsNotExist(err)
	}, func(context.Context) error { return nil })
	runs, err := s.backups.Runs(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return runs
}
