package restore_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/backup"
	"berth/controller/backup/drill"
	"berth/controller/problem"
)

// drillOn turns drills on and makes a backup that they can read.
func (s *server) drillOn() {
	s.t.Helper()
	view, err := s.backups.View(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	wish := backup.Wish{Place: view.Settings.Place, Recipients: view.Settings.Recipients, Keep: view.Settings.Keep, Drill: true}
	if err := s.backups.Update(s.t.Context(), wish); err != nil {
		s.t.Fatal(err)
	}
	s.wantDone()
}

// prove makes one drill through the same door as the page.
func (s *server) prove() backup.DrillRun {
	s.t.Helper()
	before, err := s.backups.Drills(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.running(func(ctx context.Context) bool {
		runs, err := s.backups.Drills(ctx)
		return err == nil && len(runs) > len(before)
	}, func(ctx context.Context) error { return s.backups.StartDrill(ctx, "ada") })
	runs, err := s.backups.Drills(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return runs[0]
}

// wantNothingLeft refuses what a drill has not removed.
func (s *server) wantNothingLeft() {
	s.t.Helper()
	volumes, err := s.keeper.ListVolumes(s.t.Context())
	if err != nil || len(volumes) != 2 {
		s.t.Errorf("there are %+v, %v", volumes, err)
	}
	if _, err := os.Lstat(filepath.Join(s.data, "backups", "drill")); !os.IsNotExist(err) {
		s.t.Errorf("the throw-away folder is left: %v", err)
	}
}

func TestDrill_ProvesABackupAndLeavesNothing(t *testing.T) {
	s := newServer(t)
	s.examine = func(folder string) (drill.Content, error) {
		content, err := os.ReadFile(filepath.Join(folder, "tls", "admin.key"))
		if string(content) != "its key" {
			t.Errorf("the throw-away folder has %q, %v", content, err)
		}
		return drill.Content{Apps: 3}, nil
	}
	if err := s.backups.StartDrill(t.Context(), "ada"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("drills are off, and %v", err)
	}
	s.drillOn()
	run := s.prove()
	if run.State != backup.Done || run.Volumes != 2 || run.Apps != 3 || run.Bytes < 4<<20 || run.By != "ada" {
		t.Fatalf("the drill: %+v", run)
	}
	s.wantNothingLeft()
	if at, on, err := s.backups.LastProven(t.Context()); err != nil || !on || !at.Equal(run.BeganAt) {
		t.Errorf("last proven %s, %t, %v", at, on, err)
	}
}

func TestDrill_OfADamagedBackupSaysSoAndLeavesNothing(t *testing.T) {
	s := newServer(t)
	s.drillOn()
	objects, err := filepath.Glob(filepath.Join(s.place, "objects", "*", "*"))
	if err != nil || len(objects) == 0 {
		t.Fatal(objects, err)
	}
	for _, object := range objects {
		if err := os.Truncate(object, 100); err != nil {
			t.Fatal(err)
		}
	}
	run := s.prove()
	if run.State != backup.Failed || !strings.Contains(run.Reason, "is damaged") || run.Set == "" {
		t.Errorf("the drill: %+v", run)
	}
	s.wantNothingLeft()
}

func TestDrill_OfABackupThatIsOlderThanItsKeySaysWhatToDo(t *testing.T) {
	s := newServer(t)
	s.wantDone()
	view, err := s.backups.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wish := backup.Wish{Place: view.Settings.Place, Recipients: view.Settings.Recipients, Keep: view.Settings.Keep, Drill: true}
	if err := s.backups.Update(t.Context(), wish); err != nil {
		t.Fatal(err)
	}
	if run := s.prove(); run.State != backup.Failed || !strings.Contains(run.Reason, "Make a backup first") {
		t.Errorf("the drill: %+v", run)
	}
}

func TestSweep_RemovesWhatAKilledDrillHasLeftAndNothingElse(t *testing.T) {
	s := newServer(t)
	folder := filepath.Join(s.data, "backups", "drill")
	s.write("backups/drill/data/secret.key", "half of a restore")
	if err := s.keeper.CreateVolume(t.Context(), "_drill_shop-data", ""); err != nil {
		t.Fatal(err)
	}
	if err := drill.Sweep(t.Context(), s.keeper, folder); err != nil {
		t.Fatal(err)
	}
	s.wantNothingLeft()
}
