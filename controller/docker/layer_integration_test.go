//go:build integration

package docker

import (
	"archive/tar"
	"bytes"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/dockertest"
	"berth/controller/plan"
)

func TestLayerSize_IsWhatTheInstanceHasWrittenIntoItsOwnFileSystem(t *testing.T) {
	engine := openTest(t)
	service := testService()
	service.Waivers = plan.Waivers{WritableRoot: true}
	instance := mustStartService(t, engine, "hello", dockertest.ServeDockerfile, service)
	before, err := engine.LayerSize(t.Context(), instance.Name)
	if err != nil || before > 1<<20 {
		t.Fatalf("before: %d bytes, %v", before, err)
	}
	const bytesWritten = 3 << 20
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	if err := w.WriteHeader(&tar.Header{Name: "much", Size: bytesWritten, Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, bytesWritten))
	_ = w.Close()
	if err := engine.link.API(t.Context()).CopyToContainer(t.Context(), instance.ID, "/", &content, container.CopyToContainerOptions{}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	after, err := engine.LayerSize(t.Context(), instance.Name)
	if err != nil || after-before < bytesWritten || after-before > bytesWritten+1<<20 {
		t.Errorf("after %d bytes more: %d bytes, before %d, %v", bytesWritten, after, before, err)
	}
	t.Logf("measured in %s", time.Since(began))
	if _, err := engine.LayerSize(t.Context(), "somebody-else"); err == nil {
		t.Error("the size of no instance")
	}
}
