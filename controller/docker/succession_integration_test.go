//go:build integration

package docker

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/docker/networks"
	"berth/controller/plan"
)

func TestConnect_KeptServiceAnswersTheNewReleaseByItsName(t *testing.T) {
	engine := openTest(t)
	mustStartProxy(t, engine)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	start := func(release int64, name, version string) link.Instance {
		t.Helper()
		network, err := engine.EnsureNetwork(t.Context(), "shop", release)
		if err != nil {
			t.Fatal(err)
		}
		return startService(t, engine, image, plan.Service{Name: name, Aliases: []string{name}, Environment: []string{"VERSION=" + version}}, func(o *StartOptions) {
			o.Release, o.Network = release, network
		})
	}
	says := func(from link.Instance, name string) string {
		return strings.TrimSpace(ask(t, engine, from, "/get", "url", "http://"+name+":8000/"))
	}
	store, oldWeb := start(1, "store", "s1"), start(1, "web", "w1")
	newWeb := start(2, "web", "w2")
	network, err := engine.EnsureNetwork(t.Context(), "shop", 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := engine.Connect(t.Context(), store.Name, network, []string{"store"}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both releases reach the store, and each its own web", func() bool {
		return says(oldWeb, "store") == "hello s1" && says(newWeb, "store") == "hello s1" && says(oldWeb, "web") == "hello w1" && says(newWeb, "web") == "hello w2"
	})
	if err := engine.RemoveNetwork(t.Context(), "shop", 1); err == nil {
		t.Error("a network was removed under an instance that has no other")
	}
	if err := engine.Retire(t.Context(), oldWeb.Name, 0); err != nil {
		t.Fatal(err)
	}
	if err := engine.RemoveNetwork(t.Context(), "shop", 1); err != nil {
		t.Fatal(err)
	}
	if says(newWeb, "store") != "hello s1" {
		t.Error("the store left the new network too")
	}
	left, err := engine.Networks(t.Context())
	old := func(n networks.Network) bool { return n.Release == 1 }
	if err != nil || !slices.Contains(left, network) || slices.ContainsFunc(left, old) {
		t.Errorf("networks %+v, %v", left, err)
	}
	if err := engine.RemoveApp(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
}

func TestBuild_SameContentIsKnownAgain(t *testing.T) {
	engine := openTest(t)
	build := func(release int64, dockerfile string) images.Image {
		t.Helper()
		image, err := engine.Build(t.Context(), buildOptions("same", release, dockertest.App(t, dockerfile)), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		return image
	}
	first, second := build(1, dockertest.ServeDockerfile), build(2, dockertest.ServeDockerfile)
	if first.ID == second.ID || first.Content == "" || first.Content != second.Content {
		t.Errorf("first %s %s, second %s %s", first.ID, first.Content, second.ID, second.Content)
	}
	if third := build(3, dockertest.ServeDockerfile+"ENV A=b\n"); third.Content == first.Content {
		t.Error("an image with another environment counts as the same")
	}
}
