package router

import (
	"net/http"
	"strings"

	"berth/controller/compose"
)

// supportedPath is the page of what a compose file may hold.
const supportedPath = "/admin/compose"

type supportedPage struct {
	frame
	Sections []supportedSection
	Counts   map[string]int // of keys, by State
}

type supportedSection struct {
	ID, Name string
	Keys     []supportedKey
}

// supportedKey is one row: what a check of a file does with the key.
type supportedKey struct {
	ID, Path string
	State    string // supported, limited, noted or refused
	Word     badge
	Text     string
	Instead  string
	Unless   string // values of a refused key that are taken
}

func (a *admin) showSupported(v *visit) error {
	page := supportedPage{frame: v.frame("What Berth supports"), Counts: make(map[string]int)}
	page.Section = "upload"
	for _, section := range compose.Sections() {
		shown := supportedSection{ID: "section-" + identifier(section.Name), Name: section.Name}
		for _, key := range section.Keys {
			row := supportedKeyOf(key)
			page.Counts[row.State]++
			shown.Keys = append(shown.Keys, row)
		}
		page.Sections = append(page.Sections, shown)
	}
	return v.page(http.StatusOK, "supported", page)
}

func supportedKeyOf(key compose.Key) supportedKey {
	row := supportedKey{
		ID: "key-" + identifier(key.Path), Path: strings.ReplaceAll(key.Path, ".[]", "[]"),
		Text: key.Text, Instead: key.Instead, Unless: strings.Join(key.Unless, " or "),
	}
	switch {
	case key.Support == compose.Refused:
		row.State, row.Word = "refused", badge{"refused", toneBad}
	case key.Support == compose.Noted:
		row.State, row.Word = "noted", badge{"no effect", toneIdle}
	case key.Text != "":
		row.State, row.Word = "limited", badge{"within limits", toneWarn}
	default:
		row.State, row.Word = "supported", badge{"supported", toneGood}
	}
	return row
}

// identifier makes a name for an anchor out of plain text.
func identifier(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '*', r == '[':
			return 'x'
		default:
			return '-'
		}
	}, text), "-")
}
