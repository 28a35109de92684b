package router

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"berth/controller/app"
	"berth/traefik"
)

func TestView_LinksFollowThePublicAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		public      publicAddress
		host, route string
		want        string
	}{
		{publicAddress{httpPort: 80, httpsPort: 443}, "localhost:8001", "/hello", "http://localhost/hello/"},
		{publicAddress{httpPort: 8080}, "localhost:8001", "/hello", "http://localhost:8080/hello/"},
		{publicAddress{httpPort: 80, httpsPort: 443, forceHTTPS: true}, "10.0.0.5:8001", "/hello", "https://10.0.0.5/hello/"},
		{publicAddress{httpsPort: 8443}, "localhost", "app.example.com", "https://app.example.com:8443/"},
		{publicAddress{httpPort: 80}, "[::1]:8001", "/hello", "http://[::1]/hello/"},
		{publicAddress{httpPort: 8080}, "[::1]:8001", "/hello", "http://[::1]:8080/hello/"},
		{publicAddress{httpPort: 80, adminHost: adminHost, appsHost: "127.0.0.1"}, "berth.localhost:8001", "/hello", "http://127.0.0.1/hello/"},
		{publicAddress{httpPort: 80}, "localhost", "app.example.com/api", "http://app.example.com/api/"},
	} {
		route, err := traefik.ParseRoute(test.route)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = test.host
		if got := test.public.links(r, []traefik.Route{route})[0].URL; got != test.want {
			t.Errorf("%s from %s: %s, want %s", test.route, test.host, got, test.want)
		}
	}
}

func TestView_OrdinalsReadWell(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 102: "102nd", 111: "111th"} {
		if got := ordinal(n); got != want {
			t.Errorf("ordinal(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestView_StepsTellWhereAReleaseIs(t *testing.T) {
	t.Parallel()
	rollback := aRelease("hello", 4, app.ReleaseLive)
	rollback.Steps = append(rollback.Steps[:1:1], rollback.Steps[2:]...) // a rollback does not build
	for name, test := range map[string]struct {
		release app.Release
		want    [5]string
	}{
		"queued":    {aRelease("hello", 1, app.ReleaseQueued), [5]string{stepNow, stepTodo, stepTodo, stepTodo, stepTodo}},
		"building":  {aRelease("hello", 1, app.ReleaseBuilding), [5]string{stepDone, stepNow, stepTodo, stepTodo, stepTodo}},
		"verifying": {aRelease("hello", 1, app.ReleaseVerifying), [5]string{stepDone, stepDone, stepDone, stepNow, stepTodo}},
		"live":      {aRelease("hello", 1, app.ReleaseLive), [5]string{stepDone, stepDone, stepDone, stepDone, stepDone}},
		"failed":    {aRelease("hello", 1, app.ReleaseFailed), [5]string{stepDone, stepFailed, stepTodo, stepTodo, stepTodo}},
		"rollback":  {rollback, [5]string{stepDone, stepSkipped, stepDone, stepDone, stepDone}},
	} {
		for i, step := range stepsOf(test.release) {
			if step.Status != test.want[i] {
				t.Errorf("%s: %s is %s, want %s", name, step.Name, step.Status, test.want[i])
			}
		}
	}
}
