package controller_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// publicApp answers visitors of an app at /hello, whose files are below it.
type publicApp struct {
	mu    sync.Mutex
	page  traefik.Page
	files []string // of the app, as itself sees them
	asked []string
}

func (a *publicApp) visit(host, uri string) traefik.Page {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, host+uri)
	path, below := strings.CutPrefix(uri, "/hello")
	if below && path == "/" {
		return a.page
	}
	for _, file := range a.files {
		if below && file == path {
			return traefik.Page{Status: 200}
		}
	}
	return traefik.Page{Status: 404}
}

func (a *publicApp) visits() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.asked, " ")
}

func htmlPage(text string) traefik.Page {
	return traefik.Page{Status: 200, ContentType: "text/html; charset=utf-8", Body: []byte(text)}
}

func TestAssets_ThatLeaveTheAppsPathAreNamedOnItsRelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	name := &publicApp{
		page: htmlPage(`<link rel=stylesheet href="/static/site.css"><script src="app.js"></script><script src="/static/app.js?v=1"></script>
			<img src="/gone.png"><img src="https://elsewhere.example/x.png">`),
		files: []string{"/static/site.css", "/static/app.js?v=1", "/app.js"},
	}
	h.proxy.onVisit.set(name.visit)
	release := h.deploy("hello")
	var found app.Release
	h.eventually("the missing files", func() (done bool) {
		var err error
		found, err = h.Release(t.Context(), release.ReleaseID)
		return err == nil && found.Remedy.Missing > 0
	})
	if found.Remedy != (problem.Remedy{Missing: 2, MissingFile: "/static/site.css"}) {
		t.Errorf("got %+v", found.Remedy)
	}
	want := "/hello/ /static/site.css /hello/static/site.css /static/app.js?v=1 /hello/static/app.js?v=1 /gone.png /hello/gone.png"
	if got := name.visits(); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

func TestAssets_SayNothingOfAnAppThatVisitorsDoNotSee(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]traefik.Page{
		"a password": {Status: 401, ContentType: "text/html", Body: []byte(`<img src="/x.png">`)},
		"a redirect": {Status: 302, ContentType: "text/html", Body: []byte(`<img src="/x.png">`)},
		"no page":    {Status: 200, ContentType: "application/json", Body: []byte(`<img src="/x.png">`)},
		"all inside": htmlPage(`<img src="x.png"><img src="/hello/x.png">`),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			app := &publicApp{page: page, files: []string{"/x.png"}}
			h.proxy.onVisit.set(app.visit)
			release := h.deploy("hello")
			h.eventually("the visit", func() bool { return app.visits() != "" })
			time.Sleep(100 * time.Millisecond)
			if found, err := h.Release(t.Context(), release.ReleaseID); err != nil || found.Remedy != (problem.Remedy{}) || app.visits() != "/hello/" {
				t.Errorf("%+v, %v; asked for %s", found.Remedy, err, app.visits())
			}
		})
	}
}

func TestAssets_AreNotAskedForWhereTheAppHasAHostOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app := &publicApp{page: htmlPage(`<img src="/x.png">`), files: []string{"/x.png"}}
	h.proxy.onVisit.set(app.visit)
	accepted, err := h.accept("hello", "shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	h.live(accepted)
	time.Sleep(100 * time.Millisecond)
	if got := app.visits(); got != "" {
		t.Errorf("asked for %s", got)
	}
}
