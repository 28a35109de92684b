package traefik

import "testing"

func TestGenerate_SpeaksTheSchemeOfTheApp(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[Scheme]string{SchemeHTTP: "http://berth-hello-r3:8000", SchemeH2C: "h2c://berth-hello-r3:8000"} {
		for _, proving := range []bool{false, true} {
			target := helloTarget(t)
			target.Scheme, target.Proving = scheme, proving
			made, err := Generate(Table{Targets: []Target{target}})
			if err != nil {
				t.Fatal(err)
			}
			if got := made.HTTP.Services["hello-r3"].LoadBalancer.Servers[0].URL; got != want {
				t.Errorf("proving %t: got %s, want %s", proving, got, want)
			}
		}
	}
}

func TestGenerate_RefusesASchemeThatIsNotBerths(t *testing.T) {
	t.Parallel()
	for _, scheme := range []Scheme{"https", "http", "h2c://evil/?x=", "{{ env `X` }}"} {
		target := helloTarget(t)
		target.Scheme = scheme
		if _, err := Generate(Table{Targets: []Target{target}}); err == nil {
			t.Errorf("%q was taken", string(scheme))
		}
	}
}
