package publicdoor_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"berth/controller/publicdoor"
)

const host = "admin.example.com"

// sent is a request as the proxy passes it on for a client.
func sent(client string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://"+host+"/login", http.NoBody)
	r.RemoteAddr = "10.201.0.2:40000"
	r.Header.Set("X-Forwarded-For", client)
	r.Header.Set("X-Forwarded-Proto", "https")
	for _, one := range change {
		one(r)
	}
	return r
}

func TestHandler_GivesTheRequestAsItsClientSentIt(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"203.0.113.7":              "203.0.113.7:40000",
		"198.51.100.1,203.0.113.7": "203.0.113.7:40000", // the first word is the client's own
		"2001:db8::1":              "[2001:db8::1]:40000",
		"::ffff:203.0.113.7":       "203.0.113.7:40000",
	} {
		var got *http.Request
		door := publicdoor.Handler(publicdoor.Options{Host: host, Next: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r })})
		request := sent(header, func(r *http.Request) {
			r.Header.Set("X-Forwarded-Host", "evil.example")
			r.Header.Set("X-Real-Ip", "192.0.2.1")
			r.Header.Set("Forwarded", "for=192.0.2.1")
			r.Header.Set("Cookie", "a=b")
		})
		door.ServeHTTP(httptest.NewRecorder(), request)
		if got == nil || got.RemoteAddr != want || got.TLS == nil || got.Host != host || got.Header.Get("Cookie") != "a=b" {
			t.Fatalf("%s: %+v", header, got)
		}
		for name := range got.Header {
			if strings.Contains(name, "Forwarded") || name == "X-Real-Ip" {
				t.Errorf("%s: %s is left", header, name)
			}
		}
		if request.TLS != nil || request.RemoteAddr != "10.201.0.2:40000" {
			t.Error("the server's own request was changed")
		}
	}
}

func TestHandler_RefusesWhatTheProxyWouldNotSend(t *testing.T) {
	t.Parallel()
	door := publicdoor.Handler(publicdoor.Options{Host: host, Next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("it was passed on")
	})})
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"plain http":            {func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "http") }, http.StatusBadRequest},
		"no scheme":             {func(r *http.Request) { r.Header.Del("X-Forwarded-Proto") }, http.StatusBadRequest},
		"no client":             {func(r *http.Request) { r.Header.Del("X-Forwarded-For") }, http.StatusBadRequest},
		"a client that is none": {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.7, unknown") }, http.StatusBadRequest},
		"another name":          {func(r *http.Request) { r.Host = "shop.example.com" }, http.StatusMisdirectedRequest},
		"a name below":          {func(r *http.Request) { r.Host = "x." + host }, http.StatusMisdirectedRequest},
		"this machine":          {func(r *http.Request) { r.Host = "localhost" }, http.StatusMisdirectedRequest},
	} {
		answer := httptest.NewRecorder()
		door.ServeHTTP(answer, sent("203.0.113.7", test.change))
		if answer.Code != test.want || answer.Result().Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, want %d", name, answer.Code, test.want)
		}
	}
}

func TestHandler_OneClientCannotUseUpTheDoor(t *testing.T) {
	t.Parallel()
	hold, entered := make(chan struct{}), make(chan struct{})
	door := publicdoor.Handler(publicdoor.Options{
		Host: host, Shared: netip.MustParseAddr("10.201.0.1"),
		Next: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Hold") != "" {
				entered <- struct{}{}
				<-hold
			}
		}),
	})
	status := func(client string) int {
		answer := httptest.NewRecorder()
		door.ServeHTTP(answer, sent(client))
		return answer.Code
	}
	ended := make(chan struct{})
	fill := func(client string, n int) {
		for range n {
			go func() {
				door.ServeHTTP(httptest.NewRecorder(), sent(client, func(r *http.Request) { r.Header.Set("Hold", "1") }))
				ended <- struct{}{}
			}()
			<-entered
		}
	}
	fill("2001:db8:7::1", 64)
	fill("10.201.0.1", 65)
	for client, want := range map[string]int{
		"2001:db8:7::2": http.StatusTooManyRequests, // of the same network
		"2001:db8:8::1": http.StatusOK,
		"203.0.113.7":   http.StatusOK,
		"10.201.0.1":    http.StatusOK, // many come from it
	} {
		if got := status(client); got != want {
			t.Errorf("%s: %d, want %d", client, got, want)
		}
	}
	close(hold)
	for range 64 + 65 {
		<-ended
	}
	if got := status("2001:db8:7::2"); got != http.StatusOK {
		t.Errorf("after the others ended: %d", got)
	}
}

func TestListen_HearsTheProxyAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		proxy string
		heard bool
	}{"the proxy": {"127.0.0.1", true}, "another one": {"127.0.0.2", false}} {
		plain, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener := publicdoor.Listen(plain, netip.MustParseAddr(test.proxy), slog.New(slog.DiscardHandler))
		server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		go func() { _ = server.Serve(listener) }()
		response, err := http.Get("http://" + plain.Addr().String())
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		if heard := err == nil; heard != test.heard {
			t.Errorf("%s: heard %t, %v", name, heard, err)
		}
		_ = server.Close()
	}
}
