package router

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestSettings_ListsEveryPageAndEachPageLeadsToAll(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	list := s.get("/settings").body
	for _, group := range settingsGroups {
		mustContain(t, list, `id="`+group.ID+`"`, ">"+group.Label+"</h2>")
		for _, tab := range group.Tabs {
			mustContain(t, list, `href="`+tab.Path+`">`+tab.Label+"</a>", htmlText(tab.About))
			page := s.get(tab.Path)
			if page.StatusCode != http.StatusOK || !strings.Contains(page.body, `href="`+tab.Path+`" aria-current="page">`+tab.Label) {
				t.Errorf("%s: %d, or it does not say in the navigation where it is", tab.Path, page.StatusCode)
			}
			if buttons := len(primaryButton.FindAllString(page.body, -1)); buttons > 1 {
				t.Errorf("%s has %d primary buttons", tab.Path, buttons)
			}
			for _, other := range group.Tabs {
				mustContain(t, page.body, `href="`+other.Path+`"`)
			}
		}
	}
}

// primaryButton is the one button of a page that does what the page is for.
var primaryButton = regexp.MustCompile(`class="(button )?main[" ]`)

func htmlText(text string) string { return strings.ReplaceAll(text, "'", "&#39;") }
