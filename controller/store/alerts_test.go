package store_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pressly/goose/v3"
)

func TestOpen_TakesChannelsThatAreGoneOutOfRules(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	old := raw(t, path)
	provider, err := goose.NewProvider(goose.DialectSQLite3, old, os.DirFS("migrations"))
	must(t, err)
	_, err = provider.UpTo(t.Context(), 41)
	must(t, err)
	execute(t, old, `INSERT INTO alert_channels (id, name, settings, sealed, last_error) VALUES (2, 'ops', '{}', x'', '')`)
	execute(t, old, `INSERT INTO alert_rules (rule) VALUES ('{"name": "a", "channels": [1, 2]}'), ('{"name": "b", "channels": [1]}'), ('{"name": "c"}'), ('{"name": "d", "channels": null}')`)

	book, err := open(t, path).FindAlerts(t.Context())

	must(t, err)
	for at, want := range [][]int64{{2}, nil, nil, nil} {
		if !slices.Equal(book.Rules[at].Channels, want) {
			t.Errorf("rule %s has the channels %v, want %v", book.Rules[at].Name, book.Rules[at].Channels, want)
		}
	}
}
