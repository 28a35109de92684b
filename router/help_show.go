package router

import (
	"net/http"
	"path"
	"strings"

	"berth/router/help"
)

type helpPage struct {
	frame
	Guides []help.Guide
	Query  string
	Hits   []help.Hit
}

type guidePage struct {
	frame
	Guide  help.Guide
	Guides []help.Guide
}

// showHelp lists the guides, or what a search finds in them.
func (a *admin) showHelp(v *visit) error {
	library, err := a.guides()
	if err != nil {
		return err
	}
	query := strings.TrimSpace(v.gin.Query("q"))
	page := helpPage{frame: v.frame("Help"), Guides: library.Guides, Query: query[:min(len(query), help.MostQuery)], Hits: library.Search(query)}
	page.Section = "help"
	return v.page(http.StatusOK, "help", page)
}

// showGuide shows a guide, or gives a file that one links to.
func (a *admin) showGuide(v *visit) error {
	library, err := a.guides()
	if err != nil {
		return err
	}
	name := v.gin.Param("guide")
	if path.Ext(name) == ".json" {
		return giveGuideFile(v, name)
	}
	guide, ok := library.Find(name)
	if !ok {
		return notFound("There is no such guide.", nil)
	}
	page := guidePage{frame: v.frame(guide.Title + " · Help"), Guide: guide, Guides: library.Guides}
	page.Section = "help"
	return v.page(http.StatusOK, "guide", page)
}

func giveGuideFile(v *visit, name string) error {
	content, err := help.File(name)
	if err != nil {
		return notFound("There is no such file.", err)
	}
	v.gin.Header("Content-Disposition", `attachment; filename="`+path.Base(name)+`"`)
	v.gin.Data(http.StatusOK, "application/json", content)
	return nil
}
