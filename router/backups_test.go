package router

import (
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"berth/controller/audit"
	"berth/controller/backup"
	"berth/controller/secret"
)

// newFakeBackups are the real backups, of a server whose volumes nobody reads.
func newFakeBackups(t testing.TB) *backup.Backups {
	t.Helper()
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	return backup.New(backup.Options{
		Ledger: freshLedger(t), Audit: &fakeAudit{}, Key: key, DataFolder: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
}

func TestBackups_AreSetUpAndBegun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	mustContain(t, s.get(backupsPath).body, "There is no backup yet", "off", "Make a key")
	made := s.post(backupsPath+"/key", url.Values{formField: {token}})
	if made.StatusCode != http.StatusOK || !strings.Contains(made.body, "AGE-SECRET-KEY-1") {
		t.Fatalf("%d: %s", made.StatusCode, made.body)
	}
	at := strings.Index(made.body, "<code>age1") + len("<code>")
	public := made.body[at : at+62]
	mustContain(t, s.get(backupsPath+"?recipients="+public).body, public)
	if begun := s.post(backupsPath+"/now", url.Values{formField: {token}}); begun.StatusCode != http.StatusConflict {
		t.Errorf("without settings: %d", begun.StatusCode)
	}
	form := url.Values{
		formField: {token}, "folder": {t.TempDir()}, "recipients": {public}, "scheduled": {"1"}, "time": {"03:30"}, "zone": {"Europe/Berlin"},
		"daily": {"7"}, "weekly": {"4"}, "monthly": {"0"}, "rate": {"1.5"},
	}
	saved := s.post(backupsPath, form)
	if !s.focuses(backupsPath, form, saved) {
		t.Fatalf("%d: %s", saved.StatusCode, saved.body)
	}
	page := s.get(backupsPath).body
	mustContain(t, page, form.Get("folder"), "Europe/Berlin", "03:30", "Back up now", `value="1.5"`)
	if strings.Contains(page, "AGE-SECRET-KEY") {
		t.Error("the private key is on a later page")
	}
	if begun := s.post(backupsPath+"/drill", url.Values{formField: {token}}); begun.StatusCode != http.StatusConflict || !strings.Contains(begun.body, "Drills are off") {
		t.Errorf("%d: %s", begun.StatusCode, begun.body)
	}
	form.Set(fieldDrill, "1")
	s.post(backupsPath, form)
	if begun := s.post(backupsPath+"/drill", url.Values{formField: {token}}); !s.focuses(backupsPath+"/drill", nil, begun) {
		t.Errorf("%d: %s", begun.StatusCode, begun.body)
	}
	if begun := s.post(backupsPath+"/now", url.Values{formField: {token}}); !s.focuses(backupsPath+"/now", nil, begun) {
		t.Errorf("%d: %s", begun.StatusCode, begun.body)
	}
}

func TestBackups_SayAllThatIsWrongAndKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := url.Values{
		formField: {s.signIn()}, "endpoint": {"https://s3.example.com"}, "bucket": {"My Bucket"}, "access_key": {"me"}, "secret_key": {"canary-secret"},
		"recipients": {"age1x"}, "time": {"25:00"}, "zone": {"Mars"}, "daily": {"7"},
	}
	answer := s.post(backupsPath, form)
	mustContain(t, answer.body, "not the name of a bucket", "not a public key", "not a time of day", "not a time zone", "My Bucket")
	if strings.Contains(answer.body, "canary-secret") || strings.Contains(s.logged.String(), "canary-secret") {
		t.Error("the secret is shown")
	}
}

func TestBackups_KeyIsInNoAuditEntryAndNoLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	made := s.post(backupsPath+"/key", url.Values{formField: {s.signIn()}})
	at := strings.Index(made.body, "AGE-SECRET-KEY-1")
	private := made.body[at : at+74]
	if strings.Contains(s.logged.String(), private) {
		t.Error("it is in the log")
	}
	for _, event := range s.audit.recorded() {
		if event.Action == audit.ActionBackupKey && !strings.HasPrefix(event.Detail, "age1") || strings.Contains(event.Detail, "SECRET") {
			t.Errorf("recorded %+v", event)
		}
	}
}

func TestAPIBackups_NameEveryFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer := s.bearer(adminToken, http.MethodPut, "/api/v1/backups/settings", `{"folder": "x", "recipients": "nobody", "keep": {"daily": -1}}`)
	told := decode(t, answer.body)
	var fields []string
	for _, one := range told["faults"].([]any) {
		fault := one.(map[string]any)
		if fault["reason"] == "" || fault["hint"] == "" {
			t.Errorf("%v says too little", fault)
		}
		fields = append(fields, fault["field"].(string))
	}
	if want := []string{"folder", "recipients", "keep"}; answer.StatusCode != http.StatusUnprocessableEntity || !slices.Equal(fields, want) || told["field"] != "folder" {
		t.Errorf("%d: %s", answer.StatusCode, answer.body)
	}
}

func TestBackups_OnlyTheChosenPlaceCounts(t *testing.T) {
	t.Parallel()
	bucket := url.Values{"endpoint": {"https://s3.example.com"}, "bucket": {"my-backups"}, "access_key": {"key"}, "secret_key": {"secret"}, "folder": {"/backups"}}
	for place, want := range map[string]backup.Place{
		"folder": {Folder: "/backups"},
		"bucket": {Endpoint: "https://s3.example.com", Bucket: "my-backups", AccessKey: "key"},
	} {
		bucket.Set(fieldPlace, place)
		wish, problems := wishOf(bucket)
		if len(problems) > 0 || !reflect.DeepEqual(wish.Place, want) || (wish.Secret == "") != (place == placeFolder) {
			t.Errorf("%s: %+v, %v", place, wish.Place, problems)
		}
	}
	s := newSite(t)
	form := url.Values{formField: {s.signIn()}, fieldPlace: {placeBucket}, "recipients": {"age1x"}, "daily": {"7"}}
	refused := s.post(backupsPath, form)
	mustContain(t, refused.body, `id="endpoint-problem"`, `value="bucket" checked`)
	if strings.Contains(refused.body, `id="folder-problem"`) {
		t.Error("a field that is not shown is named")
	}
}
