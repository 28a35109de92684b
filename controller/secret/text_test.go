package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestText_IsRedactedHoweverItIsPrinted(t *testing.T) {
	text := Text("hunter2")
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d"} {
		printed := fmt.Sprintf(verb, text) + fmt.Sprintf(verb, struct{ Password Text }{text})
		if strings.Contains(printed, "hunter2") || strings.Contains(printed, "68756e74657232") {
			t.Errorf("%s printed %q", verb, printed)
		}
	}
}

func TestText_IsRedactedInLogsAndJSON(t *testing.T) {
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "password", Text("hunter2"))
	encoded, err := json.Marshal(map[string]Text{"password": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, written := range []string{log.String(), string(encoded)} {
		if strings.Contains(written, "hunter2") || !strings.Contains(written, redacted) {
			t.Errorf("written: %s", written)
		}
	}
}

func TestText_RevealGivesTheSecret(t *testing.T) {
	if got := Text("hunter2").Reveal(); got != "hunter2" {
		t.Errorf("got %q", got)
	}
}
