//go:build integration

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"berth/test/stack"
)

func TestUpload_RefusesOnTheFormAndLeavesNothingBehind(t *testing.T) {
	o := newOperator(t)
	good, err := berth.App("", "v1")
	if err != nil {
		t.Fatal(err)
	}
	o.deploy("taken", "", "v1")
	before := left(t)
	zipOf := func(files map[string]string) []byte {
		contents := make(map[string][]byte)
		for name, content := range files {
			contents[name] = []byte(content)
		}
		archive, err := stack.Zip(contents)
		if err != nil {
			t.Fatal(err)
		}
		return archive
	}
	for _, test := range []struct {
		what, name, route string
		archive           []byte
		want              string
	}{
		{"name that is taken", "taken", "/other", good, "already"},
		{"route that is taken", "other", "/taken", good, "already"},
		{"name with a path", "../../etc", "/other", good, "name"},
		{"route that is reserved", "other", "/admin", good, "reserved"},
		{"route that is reserved, below", "other", "/login/x", good, "reserved"},
		{"route with a template", "other", "/{{env `PATH`}}", good, ""},
		{"route with a rule", "other", "a`) || Host(`b", good, ""},
		{"archive without a Dockerfile", "other", "/other", zipOf(map[string]string{"main.txt": "x"}), "Dockerfile"},
		{"archive that climbs out", "other", "/other", zipOf(map[string]string{"Dockerfile": "FROM scratch", "../../etc/passwd": "x"}), ".."},
		{"archive that is none", "other", "/other", []byte("hello"), ""},
		{"archive that is empty", "other", "/other", nil, ""},
	} {
		status, body := o.send(test.name, test.route, "app.zip", test.archive)
		if status < 400 || status >= 500 || !strings.Contains(body, test.want) {
			t.Errorf("%s: got %d %.300s, want a refusal with %q", test.what, status, body, test.want)
		}
	}
	if after := left(t); after != before {
		t.Errorf("the refusals left something behind:\nbefore: %s\nafter:  %s", before, after)
	}
}

func TestUpload_TwoOfOneNameAtOnceGiveOneApp(t *testing.T) {
	o := newOperator(t)
	t.Cleanup(func() { o.remove("twin") })
	archive, err := berth.App("", "v1")
	if err != nil {
		t.Fatal(err)
	}
	statuses := make(chan int)
	const clicks = 8
	for range clicks {
		go func() {
			response, err := berth.Upload(t.Context(), o.client, o.token, "twin", "/twin", "app.zip", archive)
			if err != nil {
				statuses <- 0
				return
			}
			response.Body.Close()
			statuses <- response.StatusCode
		}()
	}
	accepted := 0
	for range clicks {
		if <-statuses == http.StatusSeeOther {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d of %d uploads of one name were accepted, want 1", accepted, clicks)
	}
	o.wait("twin")
}

// left is all that the stack has in the engine and in its uploads folder.
func left(t *testing.T) string {
	t.Helper()
	label := "label=berth.stack=" + berth.Name
	noProbe(t)
	// Sorted, because the engine lists what was made in one second in any order.
	list := func(arguments ...string) string {
		found := strings.Fields(docker(t, append(arguments, "--quiet", "--filter", label)...))
		slices.Sort(found)
		return strings.Join(found, " ")
	}
	return strings.Join([]string{list("ps", "--all"), list("network", "ls"), list("images"), uploadsFolder(t)}, " | ")
}
