package traefik

import (
	"testing"
	"time"
)

func TestParseRequest_ReadsWhatTheProxyWritesWithoutQueryAndCredentials(t *testing.T) {
	t.Parallel()
	line := `{"ClientAddr":"203.0.113.7:5000","ClientHost":"203.0.113.7","DownstreamContentSize":512,"DownstreamStatus":200,"Duration":12345678,"RequestHost":"shop.example.com","RequestMethod":"GET","RequestPath":"/cart?token=canary#x","RouterName":"shop-r4-websecure@file","ServiceName":"shop-r4@file","StartUTC":"2026-11-30T09:00:00.5Z","request_Authorization":"canary"}`
	got, ok := ParseRequest(line)
	want := Request{
		App: "shop", Release: 4, At: time.Date(2026, 11, 30, 9, 0, 0, 5e8, time.UTC), Method: "GET", Host: "shop.example.com", Path: "/cart",
		Status: 200, Took: 12345678, Bytes: 512, Client: "203.0.113.7",
	}
	if !ok || got != want {
		t.Errorf("it is read as %+v", got)
	}
}

func TestParseRequest_LeavesOutWhatIsNoRequestToAnApp(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "plain", `{"level":"info","message":"Configuration loaded"}`, `{"DownstreamStatus":200,"ServiceName":"berth-pages@file"}`,
		`{"DownstreamStatus":200,"ServiceName":"shop-r4@internal"}`, `{"DownstreamStatus":200`,
	} {
		if got, ok := ParseRequest(line); ok {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
	got, _ := ParseRequest(`{"DownstreamStatus":400,"ServiceName":"shop-r4@file","RequestPath":"http://user:canary@host/"}`)
	if got.Path != "-" {
		t.Errorf("the path is %q", got.Path)
	}
}
