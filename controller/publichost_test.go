package controller_test

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/certificates"
	"berth/controller/routing"
	"berth/traefik"
)

func TestPublicHost_NoAppCanHaveItOrANameBelowIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	release, err := h.accept("early", "x.admin.example.com")
	if err != nil {
		t.Fatal(err)
	}
	h.wait(release.ReleaseID)
	h.stop()
	h.public = traefik.AdminRoute{Host: "admin.example.com", Address: "10.201.0.3:8002"}
	h.open()
	h.eventually("the admin app's routers", func() bool { return answersOn(h, "Host(`admin.example.com`)") })
	h.eventually("the app's route to go", func() bool { return !answersOn(h, "Host(`x.admin.example.com`)") })
	for _, route := range []string{"admin.example.com", "ADMIN.example.com/shop", "x.admin.example.com", "a.b.admin.example.com/x", "*.admin.example.com", "*.example.com"} {
		if _, err := h.Routing().ParseRoute(route); err == nil || !strings.Contains(err.Error(), "Berth's own") {
			t.Errorf("%s: %v", route, err)
		}
	}
	if _, err := h.Routing().ParseHost("x.admin.example.com"); err == nil {
		t.Error("a redirect can have a name below it")
	}
	if _, err := h.accept("beside", "shop.example.com"); err != nil {
		t.Errorf("a name beside it: %v", err)
	}
	reserved, err := h.Routing().ReservedRoutes(t.Context())
	if err != nil || !slices.Equal(reserved, []routing.ReservedRoute{{App: "early", Route: traefik.Route{Host: "x.admin.example.com", Path: "/"}}}) {
		t.Errorf("told of %v, %v", reserved, err)
	}
}

func TestPublicHost_GetsItsCertificateAsAppsDo(t *testing.T) {
	t.Parallel()
	settings := certificates.DefaultProxySettings("me@example.com", "https://ca.example.com/directory", false)
	h := newHosts(t, settings, "app.example.com")
	h.admin = "admin.example.com"
	h.open(settings)
	if err := h.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if admin, app := h.domain("admin.example.com"), h.domain("app.example.com"); admin.Resolver == "" || admin.Resolver != app.Resolver {
		t.Errorf("admin %+v, app %+v", admin, app)
	}
	views, err := h.Domains(t.Context())
	if err != nil || !slices.ContainsFunc(views, func(v certificates.DomainView) bool { return v.Host == "admin.example.com" && v.Redirected }) {
		t.Errorf("the page shows %+v, %v", views, err)
	}
}
