//go:build integration

package docker

import (
	"strings"
	"testing"
	"time"

	"berth/controller/volume"
)

func mustVolume(t *testing.T, engine *Engine, name volume.Name) volume.Name {
	t.Helper()
	if err := engine.CreateVolume(t.Context(), name, "for a test"); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOpenVolume_Slice(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	for range 3 {
		at := time.Now()
		session, err := engine.OpenVolume(t.Context(), name, ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		t.Log("open", time.Since(at))
		at = time.Now()
		entry, err := session.Write(volume.WriteOptions{Path: "a/b.txt", Owner: volume.Owner{User: 1000, Group: 1000}, Limit: 100}, strings.NewReader("hello"))
		t.Log(entry, err, time.Since(at))
		at = time.Now()
		listing, err := session.List("a", 100)
		t.Log(listing, err, time.Since(at))
		at = time.Now()
		t.Log(session.Close(), "close", time.Since(at))
	}
}
