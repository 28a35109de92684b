//go:build integration

package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowser_GivesASecondServiceARouteAndAPort is a person's way with an app whose second
// service speaks HTTP and lines: the route is a field of the form, and the port of the server
// one of the page Routes.
func TestBrowser_GivesASecondServiceARouteAndAPort(t *testing.T) {
	o := newOperator(t)
	t.Cleanup(func() {
		o.remove("talk")
		docker(t, "volume", "rm", berth.Name+"-vol-talk_data")
	})
	port := publicPorts[1] // allowed for TCP alone
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))

	b.sendByForm("talk", twoServices(t, "v1", "l1"), ".steps",
		unfold("details:has(#service_route_0)"), chromedp.SetValue("#service_route_0", "/talk-lines"), chromedp.SetValue("#service_name_0", "lines"), chromedp.SetValue("#service_port_0", "8000"))
	b.waitText(".outcome", "answers at")
	answers(t, converge, "/talk/", "testapp v1")
	answers(t, converge, "/talk-lines/", "testapp l1")
	if got := hears(t, port); got != "" {
		t.Fatalf("the port says %q before anybody gave it", got)
	}

	const page = "/admin/apps/talk/routes"
	b.open(page)
	b.waitText("main", "leads to lines, port 8000")
	fill := []step{
		chromedp.SetValue("#public_port", port+"/tcp"), chromedp.SetValue("#port_service", "lines"), chromedp.SetValue("#port_target", "99999"),
	}
	b.run("type a port that there is not", fill...)
	b.press(page, "#ports form.stack button", "#port-problem")
	fill[2] = chromedp.SetValue("#port_target", "2222")
	b.run("type the port of the service", fill...)
	b.press(page, "#ports form.stack button", "#ports table.list")
	eventually(t, converge, "the port to lead to the service", func() bool { return hears(t, port) == "lines l1 and back" })
	b.open(page)
	b.waitText("#ports table.list", "port 2222 of lines")
	b.shoot("20-ports")
	b.fits(page)

	b.open(page)
	b.press(page, "#ports button.destroy", "#ports:not(:has(table.list))")
	eventually(t, converge, "the port to be closed", func() bool { return hears(t, port) == "" })
}

// unfold opens what a page folds away.
func unfold(selector string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector(%q).open = true`, selector))(ctx, t)
		return err
	})
}
