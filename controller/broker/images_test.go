package broker_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const pulledID = "sha256:7777777777777777777777777777777777777777777777777777777777777777"

func TestBroker_RemovesAPulledImageThatCanBePulledAgainAndNoOther(t *testing.T) {
	t.Parallel()
	digests := []string{"postgres@sha256:1"}
	nobodys := map[string]any{}
	image := func(config map[string]any, tags, digests []string) map[string]any {
		return map[string]any{"Id": pulledID, "Config": config, "RepoTags": tags, "RepoDigests": digests}
	}
	pulled := image(nobodys, []string{"postgres:17"}, digests)
	for _, c := range []struct {
		name, call string
		image      map[string]any
		want       int
	}{
		{"pulled", pulledID + "?noprune=1", pulled, http.StatusOK},
		{"pulled, and its name moved on", pulledID + "?noprune=1", image(nobodys, nil, digests), http.StatusOK},
		{"by force", pulledID + "?noprune=1&force=1", pulled, http.StatusForbidden},
		{"with its parents", pulledID, pulled, http.StatusForbidden},
		{"by a name", "postgres:17?noprune=1", pulled, http.StatusForbidden},
		{"that somebody named", pulledID + "?noprune=1", image(nobodys, []string{"postgres:17", "mine:1"}, digests), http.StatusForbidden},
		{"that was made on this server", pulledID + "?noprune=1", image(nobodys, []string{"mine:1"}, nil), http.StatusForbidden},
		{"of another stack", pulledID + "?noprune=1", image(map[string]any{"Labels": labels("other", "build")}, nil, digests), http.StatusForbidden},
	} {
		e := newEngine()
		e.objects["/images/"+pulledID+"/json"], e.objects["/images/postgres:17/json"] = c.image, c.image
		client, _, _ := serve(t, e)
		status, message := ask(t, client, "DELETE", "/v1.41/images/"+c.call, nil)
		if taken := e.taken(); status != c.want || (len(taken) == 1) != (c.want == http.StatusOK) {
			t.Errorf("%s: %d %s, passed on: %v", c.name, status, message, taken)
		}
	}
}

func TestBroker_RemovesBuildCacheByAgeAlone(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	for query, want := range map[string]int{
		`filters={"until":{"24h":true}}`:                           http.StatusOK,
		`filters={"until":{"720h":true}}&keep-storage=10000000000`: http.StatusOK,
		``:                              http.StatusForbidden,
		`filters={}`:                    http.StatusForbidden,
		`filters={"until":{"1h":true}}`: http.StatusForbidden,
		`filters={"until":{"2027-01-01T00:00:00Z":true}}`:             http.StatusForbidden,
		`filters={"until":{"24h":true,"48h":true}}`:                   http.StatusForbidden,
		`filters={"until":{"24h":true},"id":{"x":true}}`:              http.StatusForbidden,
		`filters={"until":["24h"]}`:                                   http.StatusForbidden,
		`filters={"until":{"24h":true}}&all=1`:                        http.StatusForbidden,
		`filters={"until":{"24h":true}}&keep-storage=-1`:              http.StatusForbidden,
		`filters={"until":{"24h":true}}&filters={"until":{"0":true}}`: http.StatusForbidden,
	} {
		status, message := ask(t, client, "POST", "/v1.41/build/prune?"+strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22", "[", "%5B", "]", "%5D").Replace(query), nil)
		taken := e.taken()
		if status != want || (len(taken) == 1) != (want == http.StatusOK) {
			t.Errorf("%s: %d %s, passed on: %v", query, status, message, taken)
		}
		if len(taken) == 1 {
			if sent, err := url.ParseQuery(taken[0].query); err != nil || sent.Get("filters") == "" {
				t.Errorf("%s: sent on as %v, %v", query, sent, err)
			}
		}
	}
}
