package templates

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPages_HoldNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)\son[a-z]+\s*=|\sstyle\s*=|<style|<script>|javascript:|hx-on`)
	foreign := regexp.MustCompile(`(?i)(src|href|action)="(https?:)?//`)
	for _, folder := range []string{"layout", "pages"} {
		files, err := fs.Glob(sources, folder+"/*.html")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(sources, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range append(inline.FindAllString(string(text), -1), foreign.FindAllString(string(text), -1)...) {
				t.Errorf("%s: %q", file, found)
			}
		}
	}
}

func TestPages_EveryFormThatPostsCarriesTheToken(t *testing.T) {
	forms := regexp.MustCompile(`(?s)<form[^>]*method="post".*?</form>`)
	for _, folder := range []string{"layout", "pages"} {
		files, _ := fs.Glob(sources, folder+"/*.html")
		for _, file := range files {
			text, _ := fs.ReadFile(sources, file)
			for _, form := range forms.FindAllString(string(text), -1) {
				token := strings.Index(form, `{{template "token"`)
				upload := strings.Index(form, `{{template "archive-field"`)
				if token < 0 || upload >= 0 && upload < token {
					t.Errorf("%s: %.120s", file, form)
				}
			}
		}
	}
}

func TestStatic_NamesCarryTheHashAndOnlyKnownKindsAreServed(t *testing.T) {
	set, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	served, err := set.Asset("berth.css")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^/static/berth-[0-9a-f]{12}\.css$`).MatchString(served) {
		t.Errorf("served as %s", served)
	}
	file, ok := set.File(strings.TrimPrefix(served, "/static/"))
	if !ok || file.Type != "text/css; charset=utf-8" || len(file.Content) == 0 {
		t.Errorf("%v %v", ok, file.Type)
	}
	for _, name := range []string{"berth.css", "vendor/README.md", "vendor/htmx.LICENSE", "../embed.go", ""} {
		if _, ok := set.File(name); ok {
			t.Errorf("%s is served", name)
		}
	}
}

func TestWords_ReadAsPeopleSpeak(t *testing.T) {
	now := time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)
	for past, want := range map[time.Duration]string{
		0: "just now", -time.Minute: "just now", 42 * time.Second: "42 s ago", 90 * time.Second: "1 min ago",
		3 * time.Hour: "3 h ago", 50 * time.Hour: "2 d ago", 100 * 24 * time.Hour: "30 Jan 2026",
	} {
		if got := Ago(now.Add(-past), now); got != want {
			t.Errorf("Ago(%s) = %q, want %q", past, got, want)
		}
	}
	for left, want := range map[time.Duration]string{
		-time.Second: "now", 20 * time.Second: "in 1 min", 90 * time.Minute: "in 2 h", 30 * day: "in 30 d", 100 * day: "18 Aug 2026",
	} {
		if got := Ahead(now.Add(left), now); got != want {
			t.Errorf("Ahead(%s) = %q, want %q", left, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 kB", 64 << 20: "64 MB", 3 << 30: "3.0 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0 s", 40 * time.Millisecond: "40 ms", 2400 * time.Millisecond: "2.4 s", 42 * time.Second: "42 s",
		125 * time.Second: "2 min 5 s", 3*time.Hour + 4*time.Minute: "3 h 4 min",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestPages_CanBeParsed(t *testing.T) {
	set, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if len(set.pages) == 0 {
		t.Error("there are no pages")
	}
	for _, parse := range set.pages {
		if _, err := parse(); err != nil {
			t.Error(err)
		}
	}
}

// TestPages_FieldsOfAChoiceCanBeReached holds the classes that berth.css knows against each
// other: a field of a choice that nobody can make would never show.
func TestPages_FieldsOfAChoiceCanBeReached(t *testing.T) {
	var all strings.Builder
	for _, folder := range []string{"layout", "pages"} {
		files, _ := fs.Glob(sources, folder+"/*.html")
		for _, file := range files {
			text, _ := fs.ReadFile(sources, file)
			all.Write(text)
		}
	}
	css, err := static.ReadFile("static/berth.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range regexp.MustCompile(`[" ]for-([a-z])[" {]`).FindAllStringSubmatch(all.String(), -1) {
		pick := "pick-" + field[1]
		if !strings.Contains(all.String(), pick) || !strings.Contains(string(css), "."+pick+":checked") {
			t.Errorf("for-%s is shown by no choice", field[1])
		}
	}
}
