package router

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// breakOff sends the beginning of a request whose body is longer, and resets the
// connection, as a phone that changes its network does.
func (s *site) breakOff(method, path, kind, begin string) {
	s.t.Helper()
	plain, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer plain.Close()
	line := tls.Client(plain, &tls.Config{InsecureSkipVerify: true})
	_, _ = fmt.Fprintf(line, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: 900000\r\n\r\n%s",
		method, path, adminHost, deployToken, kind, begin)
	time.Sleep(100 * time.Millisecond) // it is being read
	_ = plain.(*net.TCPConn).SetLinger(0)
}

func TestBody_ACallerWhoGoesAwayIsNoFaultOfTheServer(t *testing.T) {
	t.Parallel()
	body, kind := multipartBody(t, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"archive", "PK12", "app.zip"})
	head, _, _ := bytes.Cut(body.Bytes(), []byte("PK12"))
	for name, test := range map[string]struct{ method, path, kind, begin string }{
		"form of an upload":     {http.MethodPost, "/upload", kind, string(head)},
		"upload":                {http.MethodPost, "/api/v1/apps", kind, string(head)},
		"upload between fields": {http.MethodPost, "/api/v1/apps", kind, string(head[:20])},
		"update":                {http.MethodPost, "/api/v1/apps/hello/update", kind, string(head)},
		"file of a volume":      {http.MethodPut, "/api/v1/volumes/data/files/a.txt", "text/plain", "half"},
		"JSON":                  {http.MethodPut, "/api/v1/apps/hello/settings", "application/json", `{"port":`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.anApp("hello")
			s.volumes.volume(t, "data")
			s.breakOff(test.method, test.path, test.kind, test.begin)
			for began := time.Now(); !strings.Contains(s.logged.String(), "msg=request "); time.Sleep(10 * time.Millisecond) {
				if time.Since(began) > 30*time.Second {
					t.Fatal("the request never ended")
				}
			}
			if log := s.logged.String(); strings.Contains(log, "status=5") || strings.Contains(log, "level=ERROR") {
				t.Errorf("the log blames the server:\n%s", log)
			}
		})
	}
}
