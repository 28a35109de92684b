package backup

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"berth/controller/audit"
	"berth/controller/backup/set"
	"berth/controller/problem"
	"berth/controller/secret"
)

// desk keeps settings alone.
type desk struct {
	Ledger
	kept map[string]string
}

func (d *desk) FindSetting(_ context.Context, key string) (string, error) {
	text, ok := d.kept[key]
	if !ok {
		return "", problem.ErrNotFound
	}
	return text, nil
}

func (d *desk) UpdateSetting(_ context.Context, key, value string) error {
	d.kept[key] = value
	return nil
}

type silent struct{}

func (silent) Record(context.Context, audit.Event) {}

func newBackups(t *testing.T) (*Backups, *desk) {
	t.Helper()
	key, err := secret.DeriveKey(secret.Text(strings.Repeat("k", 40)))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{kept: map[string]string{}}
	return New(Options{Ledger: d, Key: key, Audit: silent{}, DataFolder: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}), d
}

func goodWish(t *testing.T) Wish {
	t.Helper()
	_, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return Wish{Place: Place{Folder: t.TempDir()}, Recipients: public, Keep: DefaultKeep(), Time: "03:30", Zone: "Europe/Berlin"}
}

func TestUpdate_SaysAllThatIsWrongAtOnce(t *testing.T) {
	b, _ := newBackups(t)
	err := b.Update(t.Context(), Wish{Place: Place{Endpoint: "store", Bucket: "B"}, Recipients: "age1nothing", Time: "25:00", Zone: "Mars", Rate: -1})
	faults, _ := errors.AsType[problem.Problems](err)
	var fields []string
	for _, fault := range faults {
		fields = append(fields, fault.Field)
	}
	want := []string{FieldEndpoint, FieldBucket, FieldSecret, FieldRecipients, FieldTime, FieldZone, FieldKeep, FieldRate}
	if !slices.Equal(fields, want) {
		t.Errorf("named %v, %v", fields, err)
	}
}

func TestUpdate_TriesThePlace(t *testing.T) {
	b, _ := newBackups(t)
	wish := goodWish(t)
	wish.Place.Folder += "/missing/below" // a folder of which the one above is not there
	if fault, _ := errors.AsType[*problem.Problem](b.Update(t.Context(), wish)); fault == nil || fault.Field != FieldFolder {
		t.Errorf("got %v", fault)
	}
	if err := b.Update(t.Context(), goodWish(t)); err != nil {
		t.Error(err)
	}
}

func TestUpdate_RefusesAPrivateKeyAsAPublicOne(t *testing.T) {
	b, _ := newBackups(t)
	private, _, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	wish := goodWish(t)
	wish.Recipients = private.Reveal()
	if err := b.Update(t.Context(), wish); err == nil || strings.Contains(err.Error(), private.Reveal()) {
		t.Errorf("got %v", err)
	}
}

func TestUpdate_SealsTheSecretAndKeepsItForItsStoreAlone(t *testing.T) {
	b, d := newBackups(t)
	wish := goodWish(t)
	wish.Place, wish.Secret = Place{Endpoint: "https://s3.example.com", Bucket: "backups", AccessKey: "me"}, "canary-secret"
	s, err := b.parse(wish, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("stored as %s, %v", text, err)
	}
	wish.Secret = ""
	if again, err := b.parse(wish, s); err != nil || !slices.Equal(again.Place.Sealed, s.Place.Sealed) || again.Repository != s.Repository {
		t.Errorf("without a new secret: %+v, %v", again, err)
	}
	wish.Place.Endpoint = "https://elsewhere.example.com"
	if _, err := b.parse(wish, s); err == nil {
		t.Error("the secret goes to another store")
	}
	_ = d
}

func TestStart_NeedsSettings(t *testing.T) {
	b, _ := newBackups(t)
	if err := b.Start(t.Context(), "ada"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("got %v", err)
	}
	if err := b.Update(t.Context(), goodWish(t)); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context(), "ada"); err != nil {
		t.Error(err)
	}
	if err := b.Start(t.Context(), "ada"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("a second one at once: %v", err)
	}
}

func TestSchedule_IsDueOnceADay(t *testing.T) {
	b, _ := newBackups(t)
	wish := goodWish(t)
	wish.Scheduled = true
	if err := b.Update(t.Context(), wish); err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, berlin) }
	made := func(when time.Time, state State) {
		t.Helper()
		if err := b.keepRun(t.Context(), Run{BeganAt: when.UTC(), State: state}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when time.Time, due bool) {
		t.Helper()
		if got, err := b.due(t.Context(), when); err != nil || got != due {
			t.Errorf("at %s due is %t, %v", when, got, err)
		}
	}
	want(at(10, 12, 0), true) // a server that was off at the time
	made(at(10, 12, 0), Done)
	want(at(10, 13, 0), false)
	want(at(11, 3, 29), false)
	want(at(11, 3, 30), true)
	made(at(11, 3, 30), Failed)
	want(at(11, 4, 0), false)
	want(at(11, 4, 31), true)
	made(at(11, 4, 31), Done)
	want(at(11, 5, 0), false)
	want(at(9, 5, 0), false) // the clock was set back
}

func TestSchedule_KeepsItsHourOverAChangeOfTheClock(t *testing.T) {
	s := Settings{Hour: 2, Minute: 30, Zone: "Europe/Berlin"}
	for day, want := range map[string]int{"2026-03-28T12:00:00Z": 1, "2026-03-29T12:00:00Z": 1, "2026-03-30T12:00:00Z": 0, "2026-10-25T12:00:00Z": 1, "2026-10-26T12:00:00Z": 1} {
		now, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		planned, err := s.lastPlanned(now)
		if err != nil || planned.UTC().Hour() != want || now.Sub(planned) > 24*time.Hour {
			t.Errorf("on %s it is %s, %v", day, planned.UTC(), err)
		}
	}
}

func TestKeep_KeepsDaysWeeksAndMonths(t *testing.T) {
	var sets []set.ID
	for at := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(-12 * time.Hour) {
		sets = append(sets, set.NewID(at))
	}
	kept := Keep{Daily: 3, Weekly: 2, Monthly: 3}.choose(sets, time.UTC)
	var days []string
	for _, id := range kept {
		days = append(days, id.Time().Format("01-02 15"))
	}
	if want := []string{"11-29 03", "11-28 15", "11-27 15", "11-22 15", "10-31 15", "09-30 15"}; !slices.Equal(days, want) {
		t.Errorf("kept %v, want %v", days, want)
	}
	if kept := (Keep{}).choose(sets, time.UTC); len(kept) != 1 || kept[0] != sets[0] {
		t.Errorf("the newest is not kept: %v", kept)
	}
	if kept := DefaultKeep().choose(nil, time.UTC); len(kept) != 0 {
		t.Errorf("kept %v of none", kept)
	}
}

func TestSlowed_TakesTheTimeThatItsBytesNeed(t *testing.T) {
	to := slowed(nil, 1000).(*slow) //nolint:forcetypeassert // it is one
	to.free = time.Now().Add(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := to.Put(ctx, "x", make([]byte, 60_000)); !errors.Is(err, context.Canceled) {
		t.Errorf("it does not wait: %v", err)
	}
	if wait := time.Until(to.free); wait < time.Hour+30*time.Second {
		t.Errorf("the next one waits %s", wait)
	}
}

func TestReason_OfAFolderIsNoStoreThatIsSilent(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&fs.PathError{Op: "open", Path: "/etc/x", Err: syscall.EROFS}, &fs.PathError{Op: "open", Path: "/etc/x", Err: syscall.EACCES},
	} {
		if said := reasonOf(err); !strings.Contains(said, "may not write") {
			t.Errorf("%v: %s", err, said)
		}
	}
	if said := reasonOf(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}); !strings.Contains(said, "does not answer") {
		t.Errorf("a store: %s", said)
	}
	if at := (Place{}).String(); at != "" {
		t.Errorf("no place is %q", at)
	}
}

func TestUpdate_MakesTheFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	place := filepath.Join(t.TempDir(), "backups")
	b := &Backups{}
	if err := b.try(t.Context(), Settings{Place: Place{Folder: place}}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(place); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := b.try(t.Context(), Settings{Place: Place{Folder: filepath.Join(place, "a", "b")}}); err == nil {
		t.Error("a folder without one above it was made")
	}
}
