package traefik

import (
	"maps"
	"reflect"
	"strings"
	"testing"
)

func helloTarget(t testing.TB) Target {
	t.Helper()
	return Target{App: "hello", Release: 3, Address: "berth-hello-r3:8000", Routes: []Route{mustParseRoute(t, "/hello")}}
}

func TestLabels_DecodeToWhatGenerateMakes(t *testing.T) {
	for _, proving := range []bool{false, true} {
		target := helloTarget(t)
		target.Proving = proving
		generated, err := Generate(Table{Targets: []Target{target}})
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := Decode(Labels(target))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(generated, decoded) {
			t.Errorf("proving %t: generated %+v, decoded %+v", proving, generated.HTTP, decoded.HTTP)
		}
	}
}

func TestDecode_PassesOverOtherLabels(t *testing.T) {
	labels := Labels(helloTarget(t))
	want, err := Decode(labels)
	if err != nil {
		t.Fatal(err)
	}
	labels = maps.Clone(labels)
	labels["berth.app"] = "hello"
	labels["maintainer"] = "{{ env `SECRET` }}"
	got, err := Decode(labels)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecode_RefusesLabelsThatBerthDoesNotWrite(t *testing.T) {
	for _, key := range []string{
		"traefik.enable",
		"traefik.tcp.routers.x.rule",
		"TRAEFIK.http.routers.x.rule",
		"traefik.http.routers.x.observability.accesslogs",
		"traefik.http.middlewares.x.stripprefixregex.regex",
		"traefik.http.middlewares.x.forwardauth.address",
		"traefik.http.middlewares.x.headers.accesscontrolallowmethods",
		"traefik.http.services.x.loadbalancer.healthcheck.path",
	} {
		labels := Labels(helloTarget(t))
		labels[key] = "true"
		if got, err := Decode(labels); err == nil {
			t.Errorf("%s was taken: %+v", key, got)
		}
	}
}

func TestDecode_RefusesBracketsOnWhichTheLibraryPanics(t *testing.T) {
	for _, key := range []string{"traefik.http.x]", "traefik.http.routers.x].rule", "traefik.http.services.x.loadbalancer.servers[0].url"} {
		if got, err := Decode(map[string]string{key: "x"}); err == nil {
			t.Errorf("%s was taken: %+v", key, got)
		}
	}
}

func TestDecode_RefusesNoLabels(t *testing.T) {
	if got, err := Decode(map[string]string{"berth.app": "hello"}); err == nil {
		t.Errorf("got %+v", got)
	}
}

func FuzzDecode(f *testing.F) {
	for key, value := range Labels(helloTarget(f)) {
		f.Add(key, value, "traefik.http.routers.x.tls", "true")
	}
	f.Add("traefik.http.x]", "", "traefik..http", "")
	f.Add("traefik.http.routers.x.priority", "-9223372036854775809", "traefik.http.routers.x", "y")
	f.Add("traefik.http.routers.x.tls", "", "traefik.http.routers.x.tls.certresolver", "{{ env `A` }}")
	f.Fuzz(func(t *testing.T, keyA, valueA, keyB, valueB string) {
		configuration, err := Decode(map[string]string{keyA: valueA, keyB: valueB})
		if err != nil {
			return
		}
		file, err := new(document).encode(configuration)
		if err == nil && strings.Contains(string(file), "{{") {
			t.Fatalf("a template came through: %s", file)
		}
	})
}
