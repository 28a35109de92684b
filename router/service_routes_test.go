package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
)

// shopPreview is a preview of two services, with the routes of the upload, else with one
// that the file asks for.
func shopPreview(u controller.Upload) (app.Preview, error) {
	preview := app.Preview{Kind: "Compose app", Services: []string{"api", "web"}, Plan: []app.ServicePreview{
		{Name: "api", Image: "api:1"}, {Name: "web", Image: "nginx:1", Main: true},
	}, Routes: []plan.RouteWish{{Route: "/api", Service: "api", Port: 9000, File: "compose.yaml", Line: 3}}}
	if u.Routes != nil {
		preview.Routes = u.Routes
	}
	return preview, nil
}

func TestServiceRoutes_AreFieldsOfTheFormWithWhatTheFileAsksFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.apps.onExamine = shopPreview
	page, held := s.check("/upload", token)
	mustContain(t, page.body, `name="service_route_0" value="/api"`, `<option selected>api</option>`, `name="service_port_0" value="9000"`,
		`name="service_route_1" value=""`, "route /api, port 9000", "the route /api leads to api, port 9000")
	rows := []part{
		{"service_routes", "", ""},
		{"service_route_0", "/v2", ""},
		{"service_name_0", "api", ""},
		{"service_port_0", "9001", ""},
		{"service_route_1", "", ""},
		{"service_name_1", "api", ""},
		{"service_port_1", "7", ""},
		{"service_route_2", "web.example.com", ""},
		{"service_name_2", "web", ""},
		{"service_port_2", "", ""},
	}
	again := s.upload("/upload", "", newForm(token, append(rows, part{fieldHeld, held, ""}, part{fieldAgain, "true", ""})...)...).body
	mustContain(t, again, `name="service_route_0" value="/v2"`, `name="service_port_0" value="9001"`, `name="service_route_1" value="web.example.com"`, `name="service_route_3" value=""`)
	none := newForm(token, part{"service_routes", "", ""}, part{"service_route_0", "/v2", ""}, part{"service_name_0", "", ""}, part{"service_port_0", "", ""}, part{fieldHeld, held, ""})
	mustContain(t, s.upload("/upload", "", none...).body, "The route /v2 has no service.", `value="/v2"`)
	wrong := newForm(token, part{"service_routes", "", ""}, part{"service_route_0", "/v2", ""}, part{"service_name_0", "api", ""}, part{"service_port_0", "70000", ""}, part{fieldHeld, held, ""})
	mustContain(t, s.upload("/upload", "", wrong...).body, `id="service-routes-problem"`, "The port &#34;70000&#34; of the route /v2 is not between 1 and 65535.", `value="70000"`)
}

func TestServiceRoutes_AreAFieldOfTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("shop")
	var got []plan.RouteWish
	s.apps.onExamine = func(u controller.Upload) (app.Preview, error) {
		got = u.Routes
		return shopPreview(u)
	}
	fields := []part{{"name", "new", ""}, {"route", "/new", ""}, {fieldCheck, "1", ""}}
	answer := s.upload("/api/v1/apps", deployToken, append(fields, part{"service_routes", "/v2=api:9001, a.example.com/x=web", ""}, zipPart)...)
	mustContain(t, answer.body, `"routes":[{"route":"/v2","service":"api","port":9001},{"route":"a.example.com/x","service":"web"}]`)
	if len(got) != 2 || got[1] != (plan.RouteWish{Route: "a.example.com/x", Service: "web"}) {
		t.Errorf("got %+v", got)
	}
	answer = s.upload("/api/v1/apps", deployToken, append(fields, part{"service_routes", "", ""}, zipPart)...)
	if got == nil || len(got) > 0 || strings.Contains(answer.body, `"routes"`) {
		t.Errorf("an empty field: %+v %s", got, answer.body)
	}
	for _, wrong := range []string{"/v2", "=api", "/v2=", "/v2=api:x", "/v2=api:70000", "/v2=:80"} {
		answer := s.upload("/api/v1/apps", deployToken, append(fields, part{"service_routes", wrong, ""}, zipPart)...)
		if answer.StatusCode != http.StatusUnprocessableEntity || decode(t, answer.body)["field"] != "service_routes" {
			t.Errorf("%s: %d %s", wrong, answer.StatusCode, answer.body)
		}
	}
	answer = s.upload("/api/v1/apps/shop/update", deployToken, part{fieldCheck, "1", ""}, part{"service_routes", "/v2=api", ""}, zipPart)
	if answer.StatusCode != http.StatusUnprocessableEntity || decode(t, answer.body)["field"] != "service_routes" {
		t.Errorf("an update: %d %s", answer.StatusCode, answer.body)
	}
}
