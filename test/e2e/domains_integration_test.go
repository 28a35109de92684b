//go:build integration

package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"

	"berth/test/patience"
)

// answerDNS is a DNS server on the port that the stack asks, where every host points
// to an address that is not this machine's.
func answerDNS(t *testing.T) {
	t.Helper()
	packets, err := net.ListenPacket("udp", resolver)
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		if asked := question.Question[0]; asked.Qtype == dns.TypeA {
			record, err := dns.NewRR(asked.Name + " A 203.0.113.9")
			if err == nil {
				answer.Answer = append(answer.Answer, record)
			}
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
}

// visitHost asks the proxy under that host, and follows no redirect.
func visitHost(t *testing.T, host, path string) (status int, location, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, berth.Apps+path, http.NoBody)
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	request.Host = host
	response, err := plainClient.Do(request)
	if err != nil {
		return 0, "", err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Location"), string(text)
}

var plainClient = &http.Client{
	Timeout: patience.Of(10 * time.Second), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// hostRow is the host among the routes of an app. A notice would be gone where the browser
// lost the answer and the page was opened again.
const hostRow = "table.routes a[href*='shop.example.com']"

// TestDomains_WalkFromAHostToItsRedirect is a person's way with hosts: add one that
// is not ready, see it answer, hand it to another app under load, redirect to it.
func TestDomains_WalkFromAHostToItsRedirect(t *testing.T) {
	answerDNS(t)
	o := newOperator(t)
	o.deploy("blue", "", "of-blue")
	o.deploy("green", "", "of-green")
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))

	b.open("/admin/apps/blue/routes")
	host := chromedp.SendKeys("#route", "shop.example.com")
	b.run("type a host", host)
	b.refused("/admin/apps/blue/routes", "#add button", "[name=anyway]")
	b.waitText("#add", "shop.example.com points to 203.0.113.9, this server is 198.51.100.7.")
	b.shoot("40-host-not-ready")
	b.run("add it anyway", chromedp.Click("[name=anyway]"))
	b.press("/admin/apps/blue/routes", "#add button", hostRow)
	if status, _, body := visitHost(t, "shop.example.com", "/"); status != http.StatusOK || !strings.Contains(body, "of-blue") {
		t.Fatalf("said to be live, and answers %d %q", status, body)
	}
	b.shoot("41-routes")
	b.fits("/admin/apps/blue/routes")

	ended := loadOn(t, "shop.example.com")
	b.open("/admin/apps/green/routes")
	b.run("type the same host", host)
	b.refused("/admin/apps/green/routes", "#add button", "[name=take_over]")
	b.waitText("#add", "The app blue answers at shop.example.com already.")
	b.shoot("42-take-over")
	b.run("take it over", chromedp.Click("[name=take_over]"))
	b.press("/admin/apps/green/routes", "#add button", hostRow)
	if status, _, body := visitHost(t, "shop.example.com", "/"); status != http.StatusOK || !strings.Contains(body, "of-green") {
		t.Errorf("taken over, and answers %d %q", status, body)
	}
	ended()

	b.open("/settings/domains")
	b.run("type a redirect", chromedp.SetValue("#from", "www.shop.example.com"), chromedp.SetValue("#to", "shop.example.com"))
	b.press("/settings/domains", "#redirect button", "form[action$='/redirects/remove']")
	b.run("choose the home", chromedp.SetValue("#home-route", "/blue"))
	b.press("/settings/domains", "#home button", "#home-route:has(option[selected])")
	t.Cleanup(func() { forgetHome(b) })
	b.shoot("43-domains")
	b.fits("/settings/domains")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(berth.Apps, "http://"))
	if status, location, _ := visitHost(t, "www.shop.example.com:"+port, "/cart?a=b"); status != http.StatusMovedPermanently || location != "http://shop.example.com:"+port+"/cart?a=b" {
		t.Errorf("the redirect answers %d to %q", status, location)
	}
	if status, location, _ := visitHost(t, "nobody.example", "/"); status != http.StatusFound || location != "/blue/" {
		t.Errorf("home answers %d to %q", status, location)
	}
}

// loadOn asks a host without end until the returned function is called, which fails
// the test where a request failed.
func loadOn(t *testing.T, host string) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var asked, blue, green atomic.Int64
	for range 2 {
		group.Go(func() {
			for ctx.Err() == nil && asked.Load() < 20_000 {
				asked.Add(1)
				switch status, _, body := visitHost(t, host, "/"); {
				case status == http.StatusOK && strings.Contains(body, "of-blue"):
					blue.Add(1)
				case status == http.StatusOK && strings.Contains(body, "of-green"):
					green.Add(1)
				default:
					t.Errorf("a request failed: %d %q", status, body)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return func() {
		stop()
		group.Wait()
		t.Logf("%d requests, %d answered by blue and %d by green", asked.Load(), blue.Load(), green.Load())
		if blue.Load() == 0 || green.Load() == 0 {
			t.Error("one of the two apps answered nothing")
		}
	}
}

// forgetHome leaves the stack as the other tests expect it.
func forgetHome(b *browser) {
	b.open("/settings/domains")
	b.run("no home", chromedp.SetValue("#home-route", ""))
	b.press("/settings/domains", "#home button", "#home-route:not(:has(option[selected]))")
	b.press("/settings/domains", "form[action$='/redirects/remove'] button", "main:not(:has(form[action$='/redirects/remove']))")
}
