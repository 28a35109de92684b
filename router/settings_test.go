package router

import (
	"net/http"
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
			for _, other := range group.Tabs {
				mustContain(t, page.body, `href="`+other.Path+`"`)
			}
		}
	}
}

func htmlText(text string) string { return strings.ReplaceAll(text, "'", "&#39;") }
