package link

import (
	"context"
	"io"
	"testing"
)

func TestStream_ReaderThatStopsEarlyIsNoErrorOfTheWriter(t *testing.T) {
	source := Stream(t.Context(), func(_ context.Context, w io.Writer) error {
		_, err := w.Write(make([]byte, 1<<20))
		return err
	})
	if _, err := source.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := source.Finish(); err != nil {
		t.Errorf("finish() = %v", err)
	}
}

func TestStream_WriterThatWaitsIsStopped(t *testing.T) {
	source := Stream(t.Context(), func(ctx context.Context, _ io.Writer) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if err := source.Finish(); err != nil {
		t.Errorf("finish() = %v", err)
	}
}

func TestNames_TheProxysOwnNetworkSortsFirst(t *testing.T) {
	engine := &Link{Stack: "berth"}
	for _, app := range []string{"0", "a", "zz"} {
		if engine.NetworkName(app, 0) <= "berth-0-edge" {
			t.Errorf("%s sorts before the proxy's own network", engine.NetworkName(app, 0))
		}
	}
	if engine.InstanceName("hello", 3, "main") != "berth-hello-r3" || engine.InstanceName("hello", 3, "worker") != "berth-hello-r3.worker" {
		t.Error("instance names differ from what the route table says")
	}
}
