package channel

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"berth/controller/address"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/test/patience"
)

const canary = "canary-0123456789abcdef"

func hostile() Message {
	return Message{
		ID: "id-1", Type: Firing, At: time.Unix(1_800_000_000, 0), URL: "https://berth.example.com/admin/apps/shop",
		Title: "Down: <b>@everyone</b> <!channel> **x** [a](http://b) _y_",
		Lines: []string{"<@123> `code` @here " + strings.Repeat("ö", 5000), "second\r\nSubject: x"},
	}
}

// field is what a schema of testdata says of a field: its type, its most letters, and its
// only value.
type field struct {
	Type     string `json:"type"`
	Most     int    `json:"most"`
	Only     any    `json:"only"`
	Optional bool   `json:"optional"`
}

func valid(t *testing.T, kind Kind, body []byte) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/" + string(kind) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]field
	var got map[string]any
	if err := errors.Join(json.Unmarshal(text, &schema), json.Unmarshal(body, &got)); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for name := range got {
		if _, ok := schema[name]; !ok {
			t.Errorf("%s has the unknown field %s", kind, name)
		}
	}
	for name, want := range schema {
		value, there := got[name]
		if !there {
			if !want.Optional {
				t.Errorf("%s has no %s", kind, name)
			}
			continue
		}
		checkField(t, string(kind)+"."+name, want, value)
	}
	return got
}

func checkField(t *testing.T, name string, want field, value any) {
	t.Helper()
	types := map[string]bool{"string": false, "number": false, "object": false, "array": false, "boolean": false}
	switch v := value.(type) {
	case string:
		types["string"] = true
		if want.Most > 0 && len([]rune(v)) > want.Most || v == "" {
			t.Errorf("%s has %d letters, of %d", name, len([]rune(v)), want.Most)
		}
	case float64:
		types["number"] = true
	case map[string]any:
		types["object"] = true
	case []any:
		types["array"] = true
	case bool:
		types["boolean"] = true
	}
	if !types[want.Type] {
		t.Errorf("%s is no %s: %v", name, want.Type, value)
	}
	if want.Only != nil {
		a, _ := json.Marshal(want.Only)
		if b, _ := json.Marshal(value); string(a) != string(b) {
			t.Errorf("%s is %s, want %s", name, b, a)
		}
	}
}

func TestChannels_SendWhatTheirSchemasSayAndNoMarkup(t *testing.T) {
	for _, kind := range []Kind{Webhook, Discord, Slack, Telegram, Ntfy, Gotify, Pushover} {
		var path, body string
		var headers http.Header
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			path, body, headers = r.URL.Path, string(text), r.Header
		}))
		settings, key := Settings{Kind: kind, Address: server.URL, To: "someone"}, secret.Text(canary)
		if form, _ := FormOf(kind); form.AddressIsSecret {
			key = secret.Text(server.URL + "/hook/" + canary)
		}
		if err := Open(settings, key, new(net.Dialer).DialContext).Send(t.Context(), hostile()); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		server.Close()
		got := valid(t, kind, []byte(body))
		switch kind {
		case Discord:
			if content := got["content"].(string); strings.Contains(content, "@everyone") || strings.Contains(content, "<@123>") || strings.Contains(content, "[a](") {
				t.Errorf("discord: %.200s", content)
			}
		case Slack:
			if strings.Contains(got["text"].(string), "<!channel>") {
				t.Errorf("slack: %s", got["text"])
			}
		case Telegram:
			if path != "/bot"+canary+"/sendMessage" {
				t.Errorf("path %s", path)
			}
		case Gotify:
			if headers.Get("X-Gotify-Key") != canary {
				t.Error("no token")
			}
		case Ntfy:
			if headers.Get("Authorization") != "Bearer "+canary || headers.Get("Title") != "" {
				t.Errorf("headers %v", headers)
			}
		}
		if kind != Pushover && strings.Contains(body, canary) {
			t.Errorf("%s has its secret in the body", kind)
		}
	}
}

func TestChannels_FollowNoRedirectAndReadNoEndlessAnswer(t *testing.T) {
	asked := 0
	standIn := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer standIn.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(standIn.URL, http.StatusTemporaryRedirect))
	defer redirecting.Close()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	dial := new(net.Dialer).DialContext
	if err := Open(Settings{Kind: Webhook, Address: redirecting.URL}, canary, dial).Send(t.Context(), hostile()); err == nil || !strings.Contains(err.Error(), "redirects are not followed") || asked > 0 {
		t.Errorf("redirect: %v, asked %d times", err, asked)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(5*time.Second))
	defer cancel()
	if err := Open(Settings{Kind: Webhook, Address: endless.URL}, canary, dial).Send(ctx, hostile()); err != nil {
		t.Errorf("endless answer with 200: %v", err)
	}
}

func TestChannels_StripSecretsFromErrors(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no way to " + canary) }
	for _, kind := range []Kind{Webhook, Discord, Slack, Telegram, Ntfy, Gotify, Pushover, Email} {
		key := secret.Text(canary)
		settings := Settings{Kind: kind, Address: "https://example.com", To: "a@example.com", From: "b@example.com"}
		if form, _ := FormOf(kind); form.AddressIsSecret {
			key = "https://example.com/" + canary
		}
		if kind == Email {
			settings.Address, settings.User = "example.com:587", "ann"
		}
		err := Open(settings, key, dial).Send(t.Context(), hostile())
		if err == nil || key == canary && strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "/bot") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestChannels_ReachNoClosedAddressUnderAnyName(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	strict := address.Dialer(address.Guard{}.Allows).DialContext
	lax := address.Dialer(address.Guard{Private: true, Never: []netip.Prefix{netip.MustParsePrefix("10.201.0.0/16")}}.Allows).DialContext
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.201.0.2", "[fe80::1]"} {
		for _, dial := range []Dial{strict, lax} {
			for _, kind := range []Kind{Webhook, Email} {
				port := server.Listener.Addr().(*net.TCPAddr).AddrPort().Port()
				settings := Settings{Kind: kind, Address: "http://" + netip.AddrPortFrom(netip.Addr{}, port).String(), To: "a@example.com", From: "b@example.com"}
				settings.Address = strings.Replace(server.URL, "127.0.0.1", host, 1)
				if kind == Email {
					settings.Address = strings.TrimPrefix(settings.Address, "http://")
				}
				if err := Open(settings, canary, dial).Send(t.Context(), hostile()); err == nil || !strings.Contains(err.Error(), "may be reached") {
					t.Errorf("%s %s: %v", kind, settings.Address, err)
				}
			}
		}
	}
}

func TestCheck_SaysEveryFaultAtOnceAndKeepsNoForeignField(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		secret   secret.Text
		faults   string
	}{
		"mail":           {Settings{Kind: Email, Address: "mail", To: "x", From: "y", TLS: "ssl", User: "ann"}, "", "address recipient sender encryption secret"},
		"mail in plain":  {Settings{Kind: Email, Address: "mail:25", To: "a@b.example", From: "a@b.example", TLS: NoTLS, User: "ann"}, "x", "encryption"},
		"good mail":      {Settings{Kind: Email, Address: "mail:25", To: "a@b.example", From: "a@b.example", TLS: NoTLS}, "", ""},
		"webhook":        {Settings{Kind: Webhook, Address: "http://user:pass@host/"}, "short", "address secret"},
		"discord":        {Settings{Kind: Discord}, "http://discord.example", "secret"},
		"telegram":       {Settings{Kind: Telegram, To: "a/b"}, "to/ken", "recipient secret"},
		"nothing":        {Settings{Kind: "fax"}, "", "kind"},
		"good ntfy":      {Settings{Kind: Ntfy, Address: "https://ntfy.sh", To: "alerts"}, "", ""},
		"good pushover":  {Settings{Kind: Pushover, To: "user"}, "token", ""},
		"gotify no host": {Settings{Kind: Gotify, Address: "https://"}, "token", "address"},
	} {
		_, err := Check(test.settings, test.secret, false)
		found, _ := errors.AsType[problem.Problems](err)
		var fields []string
		for _, fault := range found {
			fields = append(fields, fault.Field)
		}
		if strings.Join(fields, " ") != test.faults {
			t.Errorf("%s: %q, want %q", name, fields, test.faults)
		}
	}
	made, err := Check(Settings{Kind: Discord, Address: "x", To: "y", User: "z", TLS: "w"}, "https://discord.example/hook", false)
	if err != nil || made != (Settings{Kind: Discord}) {
		t.Errorf("%+v, %v", made, err)
	}
}
