package registries_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"berth/controller/address"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/registries"
	"berth/controller/registries/registriestest"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/store/storetest"
)

// world is a registry, and Berth's ledger without a login for it.
type world struct {
	*registriestest.Host
	registries.Registries
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ledger, err := store.Open(t.Context(), storetest.Put(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	w := &world{Host: registriestest.New(t)}
	w.Registries = w.Host.Registries(t, ledger)
	return w
}

func (w *world) signIn(t *testing.T) {
	t.Helper()
	if err := w.SignsIn(t.Context(), w.Registries); err != nil {
		t.Fatal(err)
	}
}

func TestDigest_AsksWithTheTokenThatEverybodyGets(t *testing.T) {
	w := newWorld(t)
	for _, way := range []string{registriestest.Bearer, registriestest.Open} {
		w.Asks(way, false)
		if got, err := w.Digest(t.Context(), w.Image()); err != nil || got != registriestest.Digest("a") {
			t.Errorf("got %s, %v", got, err)
		}
	}
	if asked := strings.Join(w.Asked(), " "); !strings.Contains(asked, "GET /token?scope=repository%3Aann%2Fshop%3Apull&service=the+registry") {
		t.Errorf("asked %q", asked)
	}
}

func TestDigest_OfAPrivateImageNeedsTheLogin(t *testing.T) {
	for _, way := range []string{registriestest.Bearer, registriestest.Basic} {
		w := newWorld(t)
		w.Asks(way, true)
		_, err := w.Digest(t.Context(), w.Image())
		if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Kind != problem.KindForbidden || !strings.Contains(fault.Hint, "Settings, Registries") {
			t.Errorf("%s, without a login: %v", way, err)
		}
		w.signIn(t)
		if got, err := w.Digest(t.Context(), w.Image()); err != nil || got != registriestest.Digest("a") {
			t.Errorf("%s: got %s, %v", way, got, err)
		}
		if _, err := w.Save(t.Context(), registries.Wish{Host: w.Name(), User: "ann", Password: "canary-of-a-wrong-one"}); err != nil {
			t.Fatal(err)
		}
		_, err = w.Digest(t.Context(), w.Image())
		if problem.KindOf(err) != problem.KindForbidden || !strings.Contains(err.Error(), "refuses the login") || strings.Contains(fmt.Sprintf("%+v", err), "canary") {
			t.Errorf("%s, with a wrong one: %v", way, err)
		}
	}
}

func TestSignIn_TellsWhetherTheLoginIsTaken(t *testing.T) {
	for _, way := range []string{registriestest.Bearer, registriestest.Basic, registriestest.Open} {
		w := newWorld(t)
		w.Asks(way, true)
		if err := w.SignIn(t.Context(), w.Name()); problem.KindOf(err) != problem.KindNotFound {
			t.Errorf("%s, without a login: %v", way, err)
		}
		w.signIn(t)
		if err := w.SignIn(t.Context(), w.Name()); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if way == registriestest.Open {
			continue
		}
		if _, err := w.Save(t.Context(), registries.Wish{Host: w.Name(), User: "bob", Password: registriestest.Password}); err != nil {
			t.Fatal(err)
		}
		if err := w.SignIn(t.Context(), w.Name()); problem.KindOf(err) != problem.KindForbidden || strings.Contains(fmt.Sprintf("%+v", err), "canary") {
			t.Errorf("%s, as another one: %v", way, err)
		}
	}
	w := newWorld(t)
	w.signIn(t)
	for status, want := range map[int]problem.Kind{http.StatusNotFound: problem.KindInvalid, http.StatusBadGateway: problem.KindUnavailable} {
		w.Set("", status)
		if err := w.SignIn(t.Context(), w.Name()); problem.KindOf(err) != want {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestDigest_SaysInWordsWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	for status, want := range map[int]problem.Kind{
		http.StatusNotFound: problem.KindInvalid, http.StatusForbidden: problem.KindForbidden, http.StatusTooManyRequests: problem.KindUnavailable, http.StatusBadGateway: problem.KindUnavailable,
	} {
		w.Set(registriestest.Digest("a"), status)
		if _, err := w.Digest(t.Context(), w.Image()); problem.KindOf(err) != want || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, wrong := range []string{"", "sha256:x", "md5:" + strings.Repeat("a", 64), registriestest.Digest("A")} {
		w.Set(wrong, 0)
		if got, err := w.Digest(t.Context(), w.Image()); problem.KindOf(err) != problem.KindUnavailable {
			t.Errorf("%q: got %s, %v", wrong, got, err)
		}
	}
	for _, image := range []plan.ImageReference{"", w.Image() + plan.ImageReference("@"+registriestest.Digest("a")), plan.ImageReference(w.Name() + "/ann/shop")} {
		if _, err := w.Digest(t.Context(), image); problem.KindOf(err) != problem.KindConflict {
			t.Errorf("%q: %v", image, err)
		}
	}
}

func TestDigest_ReachesNoRegistryThatMayNotBeAsked(t *testing.T) {
	w := newWorld(t)
	w.signIn(t)
	asks := func(r registries.Registries) (errs []error) {
		_, err := r.Digest(t.Context(), w.Image())
		return append(errs, err, r.SignIn(t.Context(), w.Name()))
	}
	r := w.Registries
	r.Allowed = nil
	for _, err := range asks(r) {
		if problem.KindOf(err) != problem.KindForbidden {
			t.Errorf("a registry that nobody allowed: %v", err)
		}
	}
	if _, err := r.Save(t.Context(), registries.Wish{Host: w.Name(), User: "ann", Password: "x"}); problem.KindOf(err) != problem.KindForbidden {
		t.Errorf("a login for a registry that nobody allowed: %v", err)
	}
	r = w.Registries
	private := false
	r.Dial = func(wish bool) registries.Dial {
		private = wish
		return address.Dialer(address.Guard{Private: wish}.Allows).DialContext
	}
	for _, err := range asks(r) {
		if problem.KindOf(err) != problem.KindForbidden || !private {
			t.Errorf("this machine: %v, private %v", err, private)
		}
	}
	if asked := w.Asked(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
	w.Close()
	for _, err := range asks(w.Registries) {
		if problem.KindOf(err) != problem.KindUnavailable {
			t.Errorf("a registry that is down: %v", err)
		}
	}
}

func TestSave_SealsThePasswordForItsHost(t *testing.T) {
	w := newWorld(t)
	w.signIn(t)
	all, err := w.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Host != w.Name() || all[0].User != registriestest.User || bytes.Contains(all[0].Sealed, []byte("canary")) {
		t.Fatalf("got %+v, %v", all, err)
	}
	moved := all[0]
	moved.Host = "ghcr.io"
	if err := w.Ledger.SaveRegistryLogin(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Login(t.Context(), "ghcr.io"); problem.KindOf(err) != problem.KindUnavailable {
		t.Errorf("a password that was sealed for another host: %v", err)
	}
	if user, password, err := w.Login(t.Context(), w.Name()); err != nil || user != registriestest.User || password.Reveal() != registriestest.Password {
		t.Errorf("got %s, %v", user, err)
	}
	if err := w.Remove(t.Context(), w.Name()); err != nil {
		t.Error(err)
	}
	if user, _, err := w.Login(t.Context(), w.Name()); err != nil || user != "" {
		t.Errorf("after its end: %s, %v", user, err)
	}
	if err := w.Remove(t.Context(), w.Name()); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("a second time: %v", err)
	}
}

func TestSave_SaysWhichFieldIsWrong(t *testing.T) {
	w := newWorld(t)
	for want, wish := range map[string]registries.Wish{
		registries.FieldHost:     {Host: "my registry", User: "ann", Password: "x"},
		registries.FieldUser:     {Host: "ghcr.io", User: "ann:x", Password: "x"},
		registries.FieldPassword: {Host: "ghcr.io", User: "ann", Password: secret.Text(strings.Repeat("x", 8<<10+1))},
	} {
		_, err := w.Save(t.Context(), wish)
		if faults, ok := errors.AsType[problem.Problems](err); !ok || len(faults) != 1 || faults[0].Field != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, host := range []string{"", "plainname", "http://ghcr.io", "ghcr.io/ann", "ann@ghcr.io", "*", "127.0.0.1:1", "10.1.2.3", "registry.lan", "169.254.169.254", "localhost:5000"} {
		if _, err := w.ParseHost(host); err == nil {
			t.Errorf("%q is taken", host)
		}
	}
	for _, host := range []string{"docker.io", "index.docker.io", "https://registry-1.docker.io/", " Docker.io "} {
		if got, err := w.ParseHost(host); err != nil || got != "docker.io" {
			t.Errorf("%q: %q, %v", host, got, err)
		}
	}
}
