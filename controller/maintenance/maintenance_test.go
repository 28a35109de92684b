package maintenance

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/traefik"
)

func show(t *testing.T, method, header string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(method, "/any/path?x=y", strings.NewReader("body"))
	request.Header.Set(traefik.PageHeader, header)
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, request)
	return answer
}

func TestPage_SaysWhatTheOperatorWrote(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		got := show(t, method, traefik.EncodeMaintenance("Back at 14:00.\nUntil then: call us."))
		if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", method, got.Code, got.Header())
		}
		if !strings.Contains(got.Body.String(), "Back at 14:00.\nUntil then: call us.") {
			t.Errorf("%s: %s", method, got.Body)
		}
	}
	if got := show(t, http.MethodHead, ""); got.Body.Len() != 0 || got.Code != http.StatusServiceUnavailable {
		t.Errorf("HEAD: %d %q", got.Code, got.Body)
	}
}

func TestPage_TextIsNeverMarkup(t *testing.T) {
	for _, hostile := range []string{"<script>alert(1)</script>", "</p><img src=x onerror=alert(1)>", "\"'><svg onload=x>", "{{.}}"} {
		got := show(t, http.MethodGet, traefik.EncodeMaintenance(hostile)).Body.String()
		for _, tag := range []string{"<script", "<img", "<svg"} {
			if strings.Contains(got, tag) {
				t.Errorf("%q became markup: %s", hostile, got)
			}
		}
	}
}

func TestPage_ForgedHeaderGivesTheUsualText(t *testing.T) {
	for _, header := range []string{"", "x", "t!!!", "t" + strings.Repeat("A", 40_000), "t//79"} {
		if got := show(t, http.MethodGet, header).Body.String(); !strings.Contains(got, defaultText) {
			t.Errorf("%.20q: %s", header, got)
		}
	}
}

func TestPage_SaysWhyTheProxyRefuses(t *testing.T) {
	if got := show(t, http.MethodGet, traefik.PageEncoded); got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), "encoded character") {
		t.Errorf("encoded characters: %d %s", got.Code, got.Body)
	}
	request := httptest.NewRequest(http.MethodGet, traefik.ForbiddenPath, http.NoBody)
	got := httptest.NewRecorder()
	Handler().ServeHTTP(got, request)
	if got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "internet addresses") {
		t.Errorf("a refused address: %d %s", got.Code, got.Body)
	}
	// An app's own path of that name shows the app's page.
	request.Header.Set(traefik.PageHeader, traefik.PageUnavailable)
	got = httptest.NewRecorder()
	Handler().ServeHTTP(got, request)
	if got.Code != http.StatusServiceUnavailable {
		t.Errorf("with a header: %d", got.Code)
	}
}

func TestPage_AllowsNothingButItsStyle(t *testing.T) {
	policy := show(t, http.MethodGet, "").Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
}

func TestPage_ToldByTheProxyWhichOneItIs(t *testing.T) {
	for value, want := range map[string]struct {
		status     int
		title      string
		retryAfter string
	}{
		traefik.PageUnknown:     {http.StatusNotFound, "Page not found", ""},
		traefik.PageUnavailable: {http.StatusServiceUnavailable, "Not available", retryAfter},
		traefik.PageReplaced:    {http.StatusServiceUnavailable, "Back in a moment", soon},
		"t":                     {http.StatusServiceUnavailable, "Down for maintenance", retryAfter},
	} {
		got := show(t, http.MethodPost, value)
		body := got.Body.String()
		if got.Code != want.status || got.Header().Get("Retry-After") != want.retryAfter || strings.Count(body, want.title) != 2 {
			t.Errorf("%s: %d %v %s", value, got.Code, got.Header(), body)
		}
		if strings.Contains(strings.ToLower(body), "berth") || strings.Contains(body, "/any/path") {
			t.Errorf("%s says more than a visitor needs: %s", value, body)
		}
	}
}
