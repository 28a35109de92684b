package router

import (
	"errors"
	"mime"
	"mime/multipart"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"berth/controller/problem"
)

const (
	maxPath     = 1 << 10 // bytes; the longest of ours has 80
	maxFileName = 255     // bytes
)

// How often text is decoded to see what is hidden in it: somebody who encodes
// twice hopes for two readers of whom only the second looks.
const decodings = 3

var errHiddenPath = errors.New("a path is hidden in it")

// checkPath refuses addresses that no page of ours has and that mean another file
// to a careless reader: `..`, backslashes, control characters, double encoding.
func (a *admin) checkPath(c *gin.Context) {
	escaped := c.Request.URL.EscapedPath()
	err := errHiddenPath
	if len(escaped) <= maxPath {
		err = checkText(escaped, badPath)
	}
	if err == nil {
		return
	}
	c.Abort()
	problem := malformed("This is not an address of Berth's.", "Check the address, or begin at the dashboard.", err)
	a.refuse(&visit{gin: c, admin: a, route: route{access: public}}, problem)
}

// checkText decodes text again and again and asks whether one of its readings is bad.
func checkText(text string, bad func(string) bool) error {
	for range decodings {
		if bad(text) {
			return errHiddenPath
		}
		decoded, err := url.PathUnescape(text)
		if err != nil || decoded == text {
			return nil //nolint:nilerr // a lone % ends the decoding and is no fault
		}
		text = decoded
	}
	return errHiddenPath // encoded more often than any honest sender does
}

func badPath(text string) bool {
	if hasControl(text) || strings.Contains(text, `\`) {
		return true
	}
	for segment := range strings.SplitSeq(text, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// checkFileName refuses the name of an uploaded file that is a path. A browser
// sends the last part alone, and the standard reader would hide the rest.
func checkFileName(part *multipart.Part) error {
	_, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name := parameters["filename"]
	if err == nil && len(name) <= maxFileName {
		err = checkText(name, badFileName)
	} else if err == nil {
		err = errors.New("it is too long")
	}
	if err == nil {
		return nil
	}
	return problem.Malformed(
		"The name of the archive is not a file name.",
		"Send it without folders, such as app.zip.",
	).At(fieldArchive).Because(err)
}

func badFileName(name string) bool {
	return hasControl(name) || strings.ContainsAny(name, `/\`) || path.Clean(name) == "." || name == ".."
}

func hasControl(text string) bool {
	return !utf8.ValidString(text) || strings.IndexFunc(text, unicode.IsControl) >= 0
}
