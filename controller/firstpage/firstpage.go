// Package firstpage reads which files of its own site an HTML page needs.
package firstpage

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

const (
	mostAssets   = 16       // of one page; more are left out
	longestAsset = 2 << 10  // bytes of an address
	longestToken = 64 << 10 // bytes of a tag; a page with a longer one ends there
)

// Assets returns the scripts, style sheets, icons and pictures that the page at the
// address asks for on the same host, in order and each once. What is elsewhere is left
// out, as is what has no address of its own.
func Assets(page []byte, at *url.URL) []*url.URL {
	var found []*url.URL
	base, based := at, false
	for tokens := newTokenizer(page); len(found) < mostAssets; {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			break
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		tag := tokens.Token()
		if tag.Data == "base" && !based {
			if address, err := at.Parse(attribute(tag, "href")); err == nil && attribute(tag, "href") != "" {
				base, based = address, true
			}
			continue
		}
		if asset := resolve(base, needed(tag)); asset != nil && isOwn(asset, at) && !slices.ContainsFunc(found, same(asset)) {
			found = append(found, asset)
		}
	}
	return found
}

func newTokenizer(page []byte) *html.Tokenizer {
	tokens := html.NewTokenizer(bytes.NewReader(page))
	tokens.SetMaxBuf(longestToken)
	return tokens
}

// needed is the address that a tag asks for; empty where it is none of those looked at.
func needed(tag html.Token) string {
	switch tag.Data {
	case "script", "img":
		return attribute(tag, "src")
	case "link":
		for kind := range strings.FieldsSeq(strings.ToLower(attribute(tag, "rel"))) {
			if kind == "stylesheet" || kind == "icon" || kind == "modulepreload" {
				return attribute(tag, "href")
			}
		}
	}
	return ""
}

func attribute(tag html.Token, name string) string {
	for _, one := range tag.Attr {
		if one.Key == name {
			return strings.TrimSpace(one.Val)
		}
	}
	return ""
}

func resolve(base *url.URL, text string) *url.URL {
	if text == "" || len(text) > longestAsset || strings.HasPrefix(text, "#") {
		return nil
	}
	asset, err := base.Parse(text)
	if err != nil {
		return nil
	}
	asset.Fragment, asset.RawFragment = "", ""
	return asset
}

func isOwn(asset, at *url.URL) bool {
	return asset.Scheme == at.Scheme && asset.Host == at.Host && asset.User == nil && strings.HasPrefix(asset.Path, "/")
}

func same(asset *url.URL) func(*url.URL) bool {
	return func(other *url.URL) bool { return other.RequestURI() == asset.RequestURI() }
}
