package images

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

// pulls keeps what it is told.
type pulls struct{ noted []string }

func (p *pulls) NotePull(_ context.Context, engine, image, reference string) error {
	p.noted = append(p.noted, "pulled "+engine+" "+image+" "+reference)
	return nil
}

func (p *pulls) NoteUse(_ context.Context, engine, image string) error {
	p.noted = append(p.noted, "used "+engine+" "+image)
	return nil
}

// pullable is an engine that has the image before its pull, and then after it. Empty is none.
func pullable(before, after string) map[string]http.HandlerFunc {
	now := before
	return map[string]http.HandlerFunc{
		"GET /info": dockertest.AnswerJSON(map[string]any{"ID": "ENGINE"}),
		"GET /images/web:1/json": func(w http.ResponseWriter, r *http.Request) {
			if now == "" {
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, `{"message":"no such image"}`)
				return
			}
			dockertest.AnswerJSON(map[string]any{"Id": now, "RootFS": map[string]any{}, "Config": map[string]any{}})(w, r)
		},
		"GET /images/" + after + "/json": dockertest.AnswerJSON(map[string]any{"Id": after, "Config": map[string]any{}}),
		"POST /images/create": func(w http.ResponseWriter, _ *http.Request) {
			now = after
			_, _ = io.WriteString(w, `{"status":"done"}`)
		},
	}
}

func TestPulls_OnlyWhatAPullBroughtIsRememberedAsPulled(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		always              bool
		want                []string
	}{
		{"missing before", "", "sha256:a", false, []string{"pulled ENGINE sha256:a web:1"}},
		{"there before", "sha256:a", "sha256:a", false, []string{"used ENGINE sha256:a"}},
		{"there before, and asked for again", "sha256:a", "sha256:a", true, []string{"used ENGINE sha256:a"}},
		{"a newer one", "sha256:a", "sha256:b", true, []string{"pulled ENGINE sha256:b web:1"}},
	} {
		engine, _ := openFake(t, pullable(c.before, c.after))
		book := &pulls{}
		engine.Pulls = book
		if _, _, err := engine.PullImage(t.Context(), PullOptions{Reference: "web:1", Always: c.always}, func(string) {}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !slices.Equal(book.noted, c.want) {
			t.Errorf("%s: noted %q", c.name, book.noted)
		}
	}
}

func TestRegistryImage_IsNoneThatWasMadeHereAndSaysWhoElseNamedIt(t *testing.T) {
	image := func(labels map[string]string, digests []string, tags ...string) http.HandlerFunc {
		return dockertest.AnswerJSON(map[string]any{"Id": "sha256:a", "Size": 7, "RepoDigests": digests, "RepoTags": tags, "Config": map[string]any{"Labels": labels}})
	}
	digest := []string{"web@sha256:1"}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		there  bool
		shared bool
	}{
		{"as it was pulled", image(nil, digest, "web:1"), true, false},
		{"without its name, which a newer one has", image(nil, digest), true, false},
		{"with another name", image(nil, digest, "web:1", "mine:1"), true, true},
		{"of no registry", image(nil, nil, "web:1"), false, false},
		{"built by a stack", image(map[string]string{link.LabelStack: "other"}, digest, "web:1"), false, false},
	} {
		engine, _ := openFake(t, map[string]http.HandlerFunc{"GET /images/sha256:a/json": c.answer})
		found, err := engine.FindRegistryImage(t.Context(), "sha256:a", "web:1")
		if (err == nil) != c.there || err != nil && !errors.Is(err, link.ErrNotFound) || found.Shared != c.shared {
			t.Errorf("%s: %+v, %v", c.name, found, err)
		}
	}
}

func TestRegistryImage_StaysWhereAContainerUsesIt(t *testing.T) {
	for status, removed := range map[int]bool{http.StatusOK: true, http.StatusConflict: false} {
		query := ""
		engine, _ := openFake(t, map[string]http.HandlerFunc{"DELETE /images/sha256:a": func(w http.ResponseWriter, r *http.Request) {
			query = r.URL.RawQuery
			w.WriteHeader(status)
			_, _ = io.WriteString(w, map[int]string{http.StatusOK: "[]", http.StatusConflict: `{"message":"in use"}`}[status])
		}})
		if got, err := engine.RemoveRegistryImage(t.Context(), "sha256:a"); got != removed || err != nil || query != "noprune=1" {
			t.Errorf("%d: removed %v, %v, asked with %q", status, got, err, query)
		}
	}
}

func TestBuildCache_IsRemovedByAgeAndDownToASize(t *testing.T) {
	var asked, filter string
	engine, _ := openFake(t, map[string]http.HandlerFunc{"POST /build/prune": func(w http.ResponseWriter, r *http.Request) {
		asked, filter = r.URL.Query().Get("keep-storage"), r.URL.Query().Get("filters")
		dockertest.AnswerJSON(map[string]any{"CachesDeleted": []string{"a", "b"}, "SpaceReclaimed": 9})(w, r)
	}})
	records, bytes, err := engine.PruneBuildCache(t.Context(), 48, 1000)
	if err != nil || records != 2 || bytes != 9 || asked != "1000" || filter != `{"until":{"48h":true}}` {
		t.Errorf("%d records, %d bytes, %v: asked %q %q", records, bytes, err, asked, filter)
	}
}
