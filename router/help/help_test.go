package help

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestLibrary_ReadsEveryGuideWithTitleAndParts(t *testing.T) {
	t.Parallel()
	library, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if len(library.Guides) != len(order) {
		t.Errorf("%d guides, and the order names %d", len(library.Guides), len(order))
	}
	for i, guide := range library.Guides {
		if guide.Name != order[i] || guide.Title == guide.Name || guide.HTML == "" || len(guide.Sections) == 0 {
			t.Errorf("guide %d is %q, title %q, %d sections", i, guide.Name, guide.Title, len(guide.Sections))
		}
		for _, part := range guide.Parts() {
			if part.ID == "" || !strings.Contains(string(guide.HTML), `id="`+part.ID+`"`) {
				t.Errorf("%s: the part %q has no anchor %q", guide.Name, part.Title, part.ID)
			}
		}
		for _, forbidden := range []string{"style=", "<script", "raw HTML omitted", "<h1"} {
			if strings.Contains(string(guide.HTML), forbidden) {
				t.Errorf("%s holds %s", guide.Name, forbidden)
			}
		}
	}
}

func readOne(t *testing.T, text string) Guide {
	t.Helper()
	library, err := read(fstest.MapFS{"a.md": {Data: []byte(text)}, "b.md": {Data: []byte("# The other\n\n## Part\n")}})
	if err != nil {
		t.Fatal(err)
	}
	guide, _ := library.Find("a")
	return guide
}

func TestGuide_LeavesRawHTMLAndScriptLinksOut(t *testing.T) {
	t.Parallel()
	page := string(readOne(t, "# T\n\n<script>alert(1)</script>\n\na <b onclick=x>b</b> [c](javascript:alert(1)) ![d](data:text/html,x)\n").HTML)
	for _, forbidden := range []string{"<script", "onclick", "javascript:", "data:text"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("%q holds %s", page, forbidden)
		}
	}
}

func TestGuide_LinksLeadToPagesOfTheAdminApp(t *testing.T) {
	t.Parallel()
	page := string(readOne(t, "# T\n\n[1](b.md#part) [2](ARCHITECTURE.md) [3](c.json) [4](https://example.com) [5](#below) [6](../x)\n\n## Below\n").HTML)
	for _, want := range []string{
		`<a href="/help/b#part">1</a> 2 `, `<a href="/help/c.json">3</a>`,
		`<a href="https://example.com" rel="noopener noreferrer">4</a>`, `<a href="#below">5</a> 6`, `<h2 id="below">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is not in %s", want, page)
		}
	}
}

func TestGuide_CommandsAreEscapedAndCanBeCopied(t *testing.T) {
	t.Parallel()
	page := string(readOne(t, "# T\n\n```sh\necho '<b>' && true\n```\n").HTML)
	if want := "<pre>echo '&lt;b&gt;' &amp;&amp; true\n</pre><button class=\"copy"; !strings.Contains(page, want) {
		t.Errorf("%s", page)
	}
}

func TestSearch_FindsSectionsWithEveryWordAndHeadingsFirst(t *testing.T) {
	t.Parallel()
	library, err := read(fstest.MapFS{
		"a.md": {Data: []byte("# One\n\nThe KEY of a café is here.\n\n## Part\n\n| key | value |\n|---|---|\n| a | `--flag` |\n")},
		"b.md": {Data: []byte("# Two\n\n## The key\n\nnothing\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"Key": "/help/b#the-key /help/a /help/a#part", "key  CAFÉ": "/help/a", "--flag": "/help/a#part", "two": "/help/b /help/b#the-key",
		"": "", " ": "", "key nowhere": "", "\xff": "", "<b>": "",
	} {
		var found []string
		for _, hit := range library.Search(query) {
			found = append(found, hit.Path)
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%q finds %s, want %s", query, got, want)
		}
	}
	long := library.Search("key " + strings.Repeat("x", 1<<20))
	if len(long) != 0 {
		t.Errorf("a long query finds %v", long)
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add("some words of a text", "words")
	f.Add("İİİİİ é a", "i̇")
	f.Fuzz(func(t *testing.T, text, word string) {
		text = strings.ToValidUTF8(text, "?")
		if got := excerpt(text, []string{word}); strings.ToValidUTF8(got, "?") != got {
			t.Errorf("%q of %q", got, text)
		}
	})
}
