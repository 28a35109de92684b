package restore_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller/backup"
	"berth/controller/backup/hook"
	"berth/controller/backup/restore"
	"berth/controller/problem"
	"berth/controller/volume/volumetest"
)

func TestHooks_RunAroundTheReadingOfVolumes(t *testing.T) {
	s := newServer(t)
	s.hooks.all = []hook.Hook{{App: "shop", Before: []string{"dump"}, After: []string{"rm"}}}
	s.hooks.onRun = func(program string) {
		s.fill("shop-data", "dump.sql", map[string]string{"dump": "the dump", "rm": "removed"}[program])
	}
	run := s.backUp()
	if run.State != backup.Done || len(run.Warnings) != 0 || !slices.Equal(s.hooks.ran, []string{"shop dump", "shop rm"}) {
		t.Fatalf("%+v, ran %v", run, s.hooks.ran)
	}
	keeper := volumetest.New(t)
	if _, err := restore.Server(t.Context(), s.machine(keeper)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(keeper.Folder("shop-data"), "dump.sql")); err != nil || string(got) != "the dump" {
		t.Errorf("the backup has %q, %v", got, err)
	}
}

func TestHooks_ThatFailAreSaidAndCleanedUpBeforeTheVolumesAreRead(t *testing.T) {
	s := newServer(t)
	s.hooks.all = []hook.Hook{{App: "shop", Before: []string{"dump"}, After: []string{"rm"}}, {App: "wiki", Before: []string{"other"}}}
	s.hooks.fail = map[string]error{"dump": problem.Conflict("The command ended with the exit code 3.", "Correct it.")}
	run := s.backUp()
	if !slices.Equal(s.hooks.ran, []string{"shop dump", "shop rm", "wiki other"}) {
		t.Errorf("ran %v", s.hooks.ran)
	}
	if run.State != backup.Done || len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], "backup of shop failed. The command ended with the exit code 3.") {
		t.Errorf("%+v", run)
	}
}
