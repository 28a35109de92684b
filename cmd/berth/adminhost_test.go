package main

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"berth/traefik"
)

func TestAdminHost_IsTheChosenOneElseWhatTheOperatorHasNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	own := Config{DataFolder: folder, AdminHost: "cert.example.com"}
	openTestCertificate(t, own)
	certificate, key := own.certificateFiles()
	for name, test := range map[string]struct {
		environment []string
		want        traefik.Host
	}{
		"nothing":         {nil, "berth.localhost"},
		"a chosen one":    {[]string{"BERTH_ADMIN_HOST=berth.example.com", "BERTH_ADMIN_HOSTS=other.example.com"}, "berth.example.com"},
		"further names":   {[]string{"BERTH_ADMIN_HOSTS=one.example.com,two.example.com"}, "one.example.com"},
		"own certificate": {[]string{"SSL_CERT_FILE=" + certificate, "SSL_KEY_FILE=" + key}, "cert.example.com"},
	} {
		config := load(t, "", test.environment, nil)
		if config.AdminHost != test.want || !slices.Contains(config.ownHosts(), test.want) {
			t.Errorf("%s: %s, reserved %v, want %s", name, config.AdminHost, config.ownHosts(), test.want)
		}
	}
	for _, wrong := range []string{"localhost", "127.0.0.1", "berth.example.com:8001", "*.example.com", "a`b.example"} {
		if _, _, err := loadConfig("", []string{"BERTH_ADMIN_HOST=" + wrong}, nil); err == nil || !strings.Contains(err.Error(), "BERTH_ADMIN_HOST") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if _, _, err := loadConfig("", []string{"BERTH_BASE_DOMAIN=berth.localhost"}, nil); err == nil {
		t.Error("apps would be below the admin app's own name as if it were theirs")
	}
}

func TestAdminHost_IsInTheCertificateAndInWhatIsPrinted(t *testing.T) {
	t.Parallel()
	config := load(t, "", []string{"BERTH_DATA_FOLDER=" + t.TempDir(), "BERTH_ADMIN_LISTEN=0.0.0.0:8001", "BERTH_ADMIN_PORT=9001"}, nil)
	certificates, err := openCertificates(config, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"berth.localhost", "localhost", "127.0.0.1", "::1"} {
		if err := certificates.Leaf().VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if got := adminURL(config); got != "https://berth.localhost:9001" {
		t.Errorf("people are sent to %s", got)
	}
}

func TestKnownAdminURL_IsOneThatPeopleElsewhereCanOpen(t *testing.T) {
	for want, config := range map[string]Config{
		"":                             {AdminHost: "berth.localhost", AdminPort: 8001},
		"https://berth.lan:8001":       {AdminHost: "berth.lan", AdminPort: 8001},
		"https://admin.example.com":    {AdminHost: "berth.localhost", AdminPublicHost: "admin.example.com", HTTPSPort: 443},
		"https://b.example.com:8443":   {AdminHost: "berth.localhost", AdminPublicHost: "b.example.com", HTTPSPort: 8443},
		"https://c.example.com":        {AdminHost: "berth.lan", AdminPublicHost: "c.example.com"},
		"https://notlocalhost:8001":    {AdminHost: "notlocalhost", AdminPort: 8001},
		"https://berth.localhost.x:80": {AdminHost: "berth.localhost.x", AdminPort: 80},
	} {
		if got := knownAdminURL(config); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		if got := knownAdminURL(Config{AdminHost: traefik.Host(host), AdminPort: 8001}); got != "" {
			t.Errorf("%s: %q", host, got)
		}
	}
}
