package traefik

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func protectedTarget(t testing.TB) Target {
	t.Helper()
	target := helloTarget(t)
	target.Access = Access{
		Password:     true,
		Users:        []User{{Name: "ann", Hash: "$2a$08$" + strings.Repeat("x", 53)}},
		Allow:        []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Rate:         Rate{Requests: 10, Period: time.Minute, Burst: 5},
		MaxBodyBytes: 1 << 20,
		Headers:      ResponseHeaders{FrameOptions: "DENY", ContentSecurityPolicy: "default-src 'self'; img-src *", NoSniff: true},
	}
	return target
}

func TestAccess_LabelsDecodeToWhatGenerateMakes(t *testing.T) {
	target := protectedTarget(t)
	generated := generate(t, target)
	decoded, err := Decode(Labels(target))
	if err != nil || !reflect.DeepEqual(generated, decoded) {
		t.Errorf("generated %+v, decoded %+v, %v", generated.HTTP, decoded, err)
	}
}

func TestAccess_EveryPublicRouterCarriesTheWholeChainInOrder(t *testing.T) {
	configuration, err := Generate(Table{Targets: []Target{protectedTarget(t)}, Pages: "pages:8002"})
	if err != nil || len(configuration.HTTP.Routers) != 6 {
		t.Fatalf("configuration %+v, %v", configuration, err)
	}
	for name, router := range configuration.HTTP.Routers {
		want := []string{"forwarded", "paths", "hello-headers", "hello-forbidden", "hello-allow", "hello-rate", "hello-auth", "hello-body", "hello"}
		switch {
		case strings.HasSuffix(name, slashSuffix):
			want = append(want[:7:7], "hello-slash")
		case !strings.HasSuffix(name, bodySuffix):
			want = append(want[:7:7], "hello")
		}
		var got []string
		for _, middleware := range router.Middlewares {
			if configuration.HTTP.Middlewares[middleware] == nil {
				t.Errorf("%s carries %s, which is not there", name, middleware)
			}
			kind := middleware[:strings.LastIndexByte(middleware, '-')]
			got = append(got, kind)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has %v, want %v", name, got, want)
		}
	}
}

func TestAccess_OtherContentIsAnotherName(t *testing.T) {
	names := func(change func(*Access)) map[string]bool {
		target := protectedTarget(t)
		change(&target.Access)
		all := make(map[string]bool)
		for name := range generate(t, target).HTTP.Middlewares {
			all[name] = true
		}
		return all
	}
	before := names(func(*Access) {})
	for what, change := range map[string]func(*Access){
		"user":    func(a *Access) { a.Users[0].Name = "bob" },
		"hash":    func(a *Access) { a.Users[0].Hash = "$2a$08$" + strings.Repeat("y", 53) },
		"address": func(a *Access) { a.Allow[0] = netip.MustParsePrefix("192.0.2.0/25") },
		"rate":    func(a *Access) { a.Rate.Burst++ },
		"body":    func(a *Access) { a.MaxBodyBytes++ },
		"header":  func(a *Access) { a.Headers.FrameOptions = "SAMEORIGIN" },
	} {
		fresh := 0
		for name := range names(change) {
			if !before[name] {
				fresh++
			}
		}
		if fresh != 1 {
			t.Errorf("another %s gave %d new names", what, fresh)
		}
	}
}

func TestAccess_WithoutAUserNothingIsRouted(t *testing.T) {
	target := protectedTarget(t)
	target.Access.Users = nil
	if routers := generate(t, target).HTTP.Routers; len(routers) != 0 {
		t.Errorf("routed: %v", routers)
	}
	target.Access.Maintenance.On = true // not even to say that it is down
	configuration, err := Generate(Table{Targets: []Target{target}, Pages: "pages:8002"})
	if err != nil || len(configuration.HTTP.Routers) != 0 {
		t.Errorf("routed in maintenance: %v, %v", configuration, err)
	}
}

func TestAccess_RefusesForgedRules(t *testing.T) {
	for name, forge := range map[string]func(*Access){
		"cheap hash":          func(a *Access) { a.Users[0].Hash = "$2a$04$" + strings.Repeat("x", 53) },
		"plain password":      func(a *Access) { a.Users[0].Hash = "password" },
		"colon in a name":     func(a *Access) { a.Users[0].Name = "a:b" },
		"comma in a name":     func(a *Access) { a.Users[0].Name = "a,eve" },
		"empty name":          func(a *Access) { a.Users[0].Name = "" },
		"user twice":          func(a *Access) { a.Users = append(a.Users, a.Users[0]) },
		"everybody":           func(a *Access) { a.Allow[0] = netip.MustParsePrefix("0.0.0.0/0") },
		"no address":          func(a *Access) { a.Allow[0] = netip.Prefix{} },
		"mapped address":      func(a *Access) { a.Allow[0] = netip.MustParsePrefix("::ffff:10.0.0.0/104") },
		"half a rate":         func(a *Access) { a.Rate.Period = 0 },
		"negative rate":       func(a *Access) { a.Rate.Requests = -1 },
		"negative body":       func(a *Access) { a.MaxBodyBytes = -1 },
		"huge body":           func(a *Access) { a.MaxBodyBytes = MaxBodyLimit + 1 },
		"header split":        func(a *Access) { a.Headers.FrameOptions = "DENY\r\nSet-Cookie: a=b" },
		"maintenance nowhere": func(a *Access) { a.Maintenance.On = true },
		"maintenance bytes":   func(a *Access) { a.Maintenance.Text = "\xff" },
		"maintenance length":  func(a *Access) { a.Maintenance.Text = strings.Repeat("x", maxMaintenanceBytes+1) },
	} {
		target := protectedTarget(t)
		forge(&target.Access)
		if _, err := Generate(Table{Targets: []Target{target}}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAccess_NamesOfLookAlikeAppsAreApart(t *testing.T) {
	owners := make(map[string]string)
	for _, app := range []string{"a", "a-auth", "a-body", "a-allow-x", "a-0", "a-r1", "forwarded", "maintenance", "a-auth-x0", "a-0-web", "a-slash", "a-page-x0", "pages", "unknown", "refused", "paths", "refused-web"} {
		target := protectedTarget(t)
		target.App, target.Routes = app, []Route{mustParseRoute(t, "/"+app)}
		configuration, err := Generate(Table{Targets: []Target{target}, Pages: "pages:8002", Unknown: true})
		if err != nil {
			t.Fatal(err)
		}
		delete(configuration.HTTP.Services, pagesService) // of all of them
		for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
			delete(configuration.HTTP.Routers, unknownName+"-"+entryPoint)
			delete(configuration.HTTP.Routers, refusedName+"-"+entryPoint)
		}
		names := make([]string, 0, 16)
		for name := range configuration.HTTP.Middlewares {
			if name != forwardedName && name != unknownName && name != refusedName && name != EncodedNone.middlewareName() {
				names = append(names, "middleware "+name)
			}
		}
		for name := range configuration.HTTP.Routers {
			names = append(names, "router "+name)
		}
		for name := range configuration.HTTP.Services {
			names = append(names, "service "+name)
		}
		for _, name := range names {
			if owner := owners[name]; owner != "" || target.service() == pagesService {
				t.Errorf("%s of %s is also %s's", name, app, owner)
			}
			owners[name] = app
		}
	}
}

func FuzzMaintenance(f *testing.F) {
	f.Add("back soon")
	f.Add("{{ env `SECRET` }}")
	f.Add("<script>\r\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		target := helloTarget(t)
		target.Access.Maintenance = Maintenance{On: true, Text: text}
		configuration, err := Generate(Table{Targets: []Target{target}, Pages: "pages:8002"})
		if err != nil {
			return
		}
		if _, err := new(document).encode(configuration); err != nil {
			t.Fatal(err)
		}
		if got := DecodeMaintenance(EncodeMaintenance(text)); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
