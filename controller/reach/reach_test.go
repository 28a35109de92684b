package reach

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/probe"
	"berth/controller/problem"
	"berth/traefik"
)

// world is a ledger, an engine and a proxy in memory.
type world struct {
	mu       sync.Mutex
	live     []app.ReleaseID
	proofs   map[app.ReleaseID]Proof
	report   Report
	open     map[string]bool // addresses that answer
	status   int             // of the proxy
	gone     bool            // the engine does not answer
	probes   int
	under    int // probes at this moment
	most     int
	swept    int
	readied  app.ReadyBy
	tried    []probe.Try
	notFound app.Name
}

func newWorld(live ...string) *world {
	w := &world{proofs: map[app.ReleaseID]Proof{}, open: map[string]bool{}, status: 200}
	for _, name := range live {
		w.live = append(w.live, app.ReleaseID{App: app.Name(name), Number: 1})
	}
	return w
}

func (w *world) FindApp(_ context.Context, name app.Name) (app.App, error) {
	if name == w.notFound {
		return app.App{}, problem.ErrNotFound
	}
	return app.App{Name: name, Routes: []traefik.Route{{Host: "*.example.com", Path: "/" + traefik.Path(name)}}}, nil
}

func (w *world) FindRelease(_ context.Context, id app.ReleaseID) (app.Release, error) {
	return app.Release{ReleaseID: id, Settings: app.Settings{Readiness: app.Readiness{By: w.readied}}}, nil
}

func (w *world) ListUnproven(_ context.Context, badBefore time.Time) (ids []app.ReleaseID, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.live {
		if proof, found := w.proofs[id]; !found || !proof.Good() && proof.At.Before(badBefore) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (w *world) ListLive(context.Context) ([]app.ReleaseID, error) { return w.live, nil }

func (w *world) SaveProof(_ context.Context, proof Proof) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proofs[proof.Release] = proof
	return nil
}

func (w *world) FindProof(_ context.Context, id app.ReleaseID) (Proof, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if proof, found := w.proofs[id]; found {
		return proof, nil
	}
	return Proof{}, problem.ErrNotFound
}

func (w *world) ListProofs(context.Context) ([]Proof, error)  { return nil, nil }
func (w *world) SaveReport(_ context.Context, r Report) error { w.report = r; return nil }
func (w *world) FindReport(context.Context) (Report, error)   { return w.report, nil }
func (w *world) RemoveProbeNetworks(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.swept++
	return nil
}

func (w *world) Subscribe(app.Name) (<-chan struct{}, func()) { return nil, func() {} }
func (w *world) Visit(_ context.Context, host traefik.Host, at *url.URL) (traefik.Page, error) {
	if host != "berth-probe.example.com" || !strings.HasSuffix(at.Path, "/") {
		return traefik.Page{}, errors.New("nobody asks there")
	}
	return traefik.Page{Status: w.status}, nil
}

func (w *world) Places(context.Context) ([]docker.Place, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return nil, docker.ErrUnavailable
	}
	places := []docker.Place{
		{Role: docker.RoleProxy, Addresses: addresses("10.201.0.2", "10.201.9.2")},
		{Role: docker.RoleController, Addresses: addresses("10.201.0.3")},
	}
	for i, id := range w.live {
		place := docker.Place{Role: docker.RoleApp, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 201, 1, byte(i + 2)})}, Ports: []uint16{4321}}
		place.App, place.Release = string(id.App), id.Number
		places = append(places, place)
	}
	return places, nil
}

func (w *world) Probe(ctx context.Context, o docker.ProbeOptions) ([]probe.Result, error) {
	w.mu.Lock()
	w.probes++
	w.under++
	w.most = max(w.most, w.under)
	w.mu.Unlock()
	tries, err := o.Tries(ctx, netip.MustParseAddr("10.201.9.1"))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under--
	w.tried = tries
	var results []probe.Result
	for _, try := range tries {
		results = append(results, probe.Result{Try: try, Reached: w.open[try.Address]})
	}
	return results, nil
}

func addresses(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func (w *world) prober() *Prober {
	return New(Options{
		Ledger: w, Engine: w, Proxy: w, Subscribe: w.Subscribe, Logger: slog.New(slog.DiscardHandler),
		Machine: Machine{
			Addresses: addresses("10.201.0.1"), Proxy: []uint16{8080, 8081}, Admin: 8001, Published: []uint16{8001, 8080}, Open: []uint16{80, 443, 8443},
			Metadata: netip.MustParseAddrPort("192.0.2.1:80"),
		},
	})
}

func TestProve_ProvesEachReleaseOnceWithOneContainer(t *testing.T) {
	t.Parallel()
	w := newWorld("shop", "blog")
	p := w.prober()
	for range 3 {
		if err := p.Prove(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if w.probes != 1 {
		t.Errorf("%d containers", w.probes)
	}
	for _, id := range w.live {
		if proof := w.proofs[id]; !proof.Good() || proof.At.IsZero() {
			t.Errorf("%s: %+v", id, proof)
		}
	}
}

func TestProve_NamesTheDirectWayToOneAppAlone(t *testing.T) {
	t.Parallel()
	w := newWorld("shop", "blog")
	w.open["10.201.1.3:4321"] = true
	if err := w.prober().Prove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if shop, blog := w.proofs[w.live[0]], w.proofs[w.live[1]]; !shop.Good() || len(blog.Leaks) != 1 || blog.Leaks[0].Address != "10.201.1.3:4321" {
		t.Errorf("%+v, %+v", shop, blog)
	}
}

func TestProve_ABadProofIsMadeAnewAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("shop")
		w.status = 502
		p := w.prober()
		if err := p.Prove(t.Context()); err != nil || w.proofs[w.live[0]].Answered {
			t.Fatalf("%v, %+v", err, w.proofs)
		}
		w.status = 404 // of the app itself
		if err := p.Prove(t.Context()); err != nil || w.probes != 1 {
			t.Fatalf("%v, %d probes at once", err, w.probes)
		}
		time.Sleep(badAgain + time.Second)
		if err := p.Prove(t.Context()); err != nil || !w.proofs[w.live[0]].Good() {
			t.Errorf("%v, %+v", err, w.proofs)
		}
	})
}

func TestProve_AnAppWithoutHTTPNeedsOnlyTheProxysAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld("mqtt")
	w.status, w.readied = 502, app.ReadyTCP
	if err := w.prober().Prove(t.Context()); err != nil || !w.proofs[w.live[0]].Good() {
		t.Errorf("%v, %+v", err, w.proofs)
	}
}

func TestProve_AnAppThatGoesMeanwhileKeepsNoOtherUnproven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("gone", "shop")
		w.notFound = "gone"
		if err := w.prober().Prove(t.Context()); err != nil || !w.proofs[w.live[1]].Good() {
			t.Errorf("%v, %+v", err, w.proofs)
		}
	})
}

func TestRun_SweepsAtItsStartAndGoesOnWhenTheEngineIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("shop")
		w.gone = true
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.prober().Run(ctx) }()
		time.Sleep(time.Second)
		w.mu.Lock()
		if w.swept != 1 {
			t.Errorf("swept %d times", w.swept)
		}
		w.mu.Unlock()
		time.Sleep(time.Minute)
		w.mu.Lock()
		w.gone = false
		w.mu.Unlock()
		time.Sleep(2 * time.Minute)
		w.mu.Lock()
		if !w.proofs[w.live[0]].Good() || w.probes != 1 {
			t.Errorf("%+v, %d probes", w.proofs, w.probes)
		}
		w.mu.Unlock()
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestProbe_TriesAllThatNoAppMayReachAndNothingThatIsForEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld("shop")
	w.open["10.201.9.1:5432"] = true
	report, err := w.prober().Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kinds []probe.Kind
	var tried []string
	for _, result := range report.Results {
		kinds, tried = append(kinds, result.Kind), append(tried, result.Address)
	}
	for _, kind := range []probe.Kind{probe.App, probe.Proxy, probe.Admin, probe.Broker, probe.Host, probe.LinkLocal} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("%s is not tried", kind)
		}
	}
	for _, address := range []string{
		"10.201.1.2:4321", "10.201.0.2:8080", "10.201.9.2:8081", "10.201.0.3:8001", "10.201.9.1:8001", "10.201.0.1:8080",
		"10.201.9.1:2375", "unix:/var/run/docker.sock", "10.201.9.1:22", "192.0.2.1:80",
	} {
		if !slices.Contains(tried, address) {
			t.Errorf("%s is not tried", address)
		}
	}
	for _, address := range []string{"10.201.9.1:80", "10.201.0.1:443", "10.201.9.1:8443"} {
		if slices.Contains(tried, address) {
			t.Errorf("%s is for everybody", address)
		}
	}
	if open := report.Leaks(); len(open) != 1 || open[0].Address != "10.201.9.1:5432" || open[0].Kind != probe.Host {
		t.Errorf("leaks: %+v", open)
	}
	if w.report.At.IsZero() || !w.proofs[w.live[0]].Good() {
		t.Errorf("kept: %+v, %+v", w.report, w.proofs)
	}
}

func TestProbe_OneAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld("shop")
	p := w.prober()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { _, _ = p.Probe(t.Context()) })
	}
	all.Wait()
	if w.most != 1 || w.probes != 4 {
		t.Errorf("%d of %d at once", w.most, w.probes)
	}
}
