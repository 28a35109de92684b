package router

import (
	"fmt"
	"strconv"

	"berth/controller/problem"
	"berth/router/openapi"
)

// The bounds of a page of a list that grows.
const (
	usualPage = 50
	mostPage  = 500
)

// pageQuery are the parameters of a page.
var pageQuery = []openapi.Query{
	{Name: "limit", Number: true, Text: fmt.Sprintf("How many at most: 1 to %d.", mostPage)},
	{Name: "cursor", Text: "Where the page begins, as next of the page before says it."},
}

// pageWish is the part of a list that a request asks for, the newest first.
type pageWish struct {
	limit  int
	asked  bool  // the request says limit or cursor
	cursor int64 // those before this number; 0 begins at the newest
}

// pageWish reads the page from the address.
func (v *visit) pageWish() (pageWish, error) {
	made := pageWish{limit: usualPage, asked: v.gin.Query("limit") != "" || v.gin.Query("cursor") != ""}
	if text := v.gin.Query("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > mostPage {
			return made, problem.Invalid(fmt.Sprintf("%.20q is not a number of entries.", text), fmt.Sprintf("Give 1 to %d.", mostPage)).At("limit").Because(err)
		}
		made.limit = limit
	}
	if text := v.gin.Query("cursor"); text != "" {
		cursor, err := strconv.ParseInt(text, 10, 64)
		if err != nil || cursor < 1 {
			return made, problem.Invalid(fmt.Sprintf("%.20q is not a cursor.", text), "Use next of the page before.").At("cursor").Because(err)
		}
		made.cursor = cursor
	}
	return made, nil
}

// nextPage is the path of the page that begins before the number. It is in the head too.
func (v *visit) nextPage(before int64) string {
	query := v.request().URL.Query()
	query.Set("cursor", strconv.FormatInt(before, 10))
	next := v.request().URL.Path + "?" + query.Encode()
	v.gin.Header("Link", "<"+next+`>; rel="next"`)
	return next
}
