package broker_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
)

// TestBroker_RefusesNoCallThatTheControllerMakes asks by the engine's own client what
// controller/docker asks by it.
func TestBroker_RefusesNoCallThatTheControllerMakes(t *testing.T) {
	t.Parallel()
	e := newEngine()
	_, door, socket := serve(t, e)
	api, err := client.NewClientWithOpts(client.WithHost("unix://"+socket), client.WithVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	grace := 5
	own := filters.NewArgs(filters.Arg("label", "berth.stack=berth"), filters.Arg("label", "berth.role=app"))
	stop := container.StopOptions{Timeout: &grace}
	tar := func() io.Reader { return strings.NewReader("tar") }
	namespace := "berth-hello"
	for name, ask := range map[string]func(context.Context) error{
		"ping":    func(ctx context.Context) error { _, err := api.Ping(ctx); return err },
		"version": func(ctx context.Context) error { _, err := api.ServerVersion(ctx); return err },
		"info":    func(ctx context.Context) error { _, err := api.Info(ctx); return err },
		"list": func(ctx context.Context) error {
			_, err := api.ContainerList(ctx, container.ListOptions{All: true, Filters: own})
			return err
		},
		"users of volumes": func(ctx context.Context) error {
			users := filters.NewArgs(filters.Arg("volume", "berth-vol-data"), filters.Arg("volume", "berth-vol-more"))
			_, err := api.ContainerList(ctx, container.ListOptions{All: true, Filters: users})
			return err
		},
		"inspect": func(ctx context.Context) error { _, err := api.ContainerInspect(ctx, "berth-hello-r1"); return err },
		"measure": func(ctx context.Context) error {
			_, _, err := api.ContainerInspectWithRaw(ctx, "berth-hello-r1", true)
			return err
		},
		"users of processes": func(ctx context.Context) error {
			_, err := api.ContainerTop(ctx, "berth-hello-r1", []string{"-eo", "pid,uid"})
			return err
		},
		"usage": func(ctx context.Context) error {
			_, err := api.ContainerStatsOneShot(ctx, "berth-hello-r1")
			return err
		},
		"output": func(ctx context.Context) error {
			_, err := api.ContainerLogs(ctx, "berth-hello-r1", container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true, Timestamps: true, Tail: "100", Since: "2026-11-29T10:00:00.5Z"})
			return err
		},
		"output of the proxy": func(ctx context.Context) error {
			_, err := api.ContainerLogs(ctx, "berth-traefik", container.LogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Since: "2026-11-29T10:00:00.123456789+01:00", Tail: "20000"})
			return err
		},
		"start": func(ctx context.Context) error {
			return api.ContainerStart(ctx, "berth-hello-r1", container.StartOptions{})
		},
		"stop":              func(ctx context.Context) error { return api.ContainerStop(ctx, "berth-hello-r1", stop) },
		"restart":           func(ctx context.Context) error { return api.ContainerRestart(ctx, "berth-hello-r1", stop) },
		"restart the proxy": func(ctx context.Context) error { return api.ContainerRestart(ctx, "berth-traefik", stop) },
		"remove": func(ctx context.Context) error {
			return api.ContainerRemove(ctx, "berth-hello-r1", container.RemoveOptions{Force: true, RemoveVolumes: true})
		},
		"put files": func(ctx context.Context) error {
			return api.CopyToContainer(ctx, "berth-helper-x", "/", tar(), container.CopyToContainerOptions{})
		},
		"make an image with files": func(ctx context.Context) error {
			_, err := api.ContainerCommit(ctx, "berth-helper-x", container.CommitOptions{Config: &container.Config{Labels: labels("berth", "files")}})
			return err
		},
		"build": func(ctx context.Context) error {
			_, err := api.ImageBuild(ctx, tar(), build.ImageBuildOptions{
				Version: build.BuilderBuildKit, BuildID: "berth-hello-X", Tags: []string{"berth/hello:r1-0"}, Dockerfile: "Dockerfile", Target: "web",
				BuildArgs: map[string]*string{"BUILDKIT_CACHE_MOUNT_NS": &namespace, "MODE": nil}, Labels: labels("berth", "build"),
				NetworkMode: "default", ExtraHosts: []string{"hello.berth.build.internal:127.0.0.1"}, SessionID: "x",
			})
			return err
		},
		"build by session": func(ctx context.Context) error {
			_, err := api.ImageBuild(ctx, nil, build.ImageBuildOptions{
				Version: build.BuilderBuildKit, BuildID: "berth-hello-X", Tags: []string{"berth/hello:r1-0"}, Labels: labels("berth", "build"), NetworkMode: "default", RemoteContext: "client-session", SessionID: "x",
			})
			return err
		},
		"cancel a build": func(ctx context.Context) error { return api.BuildCancel(ctx, "berth-hello-X") },
		"pull": func(ctx context.Context) error {
			_, err := api.ImagePull(ctx, "postgres:17", image.PullOptions{})
			return err
		},
		"import": func(ctx context.Context) error {
			_, err := api.ImageImport(ctx, image.ImportSource{Source: tar(), SourceName: "-"}, "berth/pause:1", image.ImportOptions{Changes: []string{`LABEL a="b"`, `ENTRYPOINT ["/pause"]`}})
			return err
		},
		"look at an image": func(ctx context.Context) error { _, err := api.ImageInspect(ctx, "postgres:17"); return err },
		"list images": func(ctx context.Context) error {
			_, err := api.ImageList(ctx, image.ListOptions{Filters: own})
			return err
		},
		"remove an image": func(ctx context.Context) error {
			_, err := api.ImageRemove(ctx, "berth/hello:r1", image.RemoveOptions{PruneChildren: true})
			return err
		},
		"list all networks": func(ctx context.Context) error { _, err := api.NetworkList(ctx, network.ListOptions{}); return err },
		"make a network": func(ctx context.Context) error {
			off := false
			_, err := api.NetworkCreate(ctx, "berth-app-hello", network.CreateOptions{
				Driver: "bridge", EnableIPv6: &off, IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: "10.201.3.0/27"}}}, Labels: labels("berth", "network"),
			})
			return err
		},
		"join the proxy": func(ctx context.Context) error {
			return api.NetworkConnect(ctx, "berth-app-hello", "berth-traefik", &network.EndpointSettings{GwPriority: -1})
		},
		"join an instance": func(ctx context.Context) error {
			return api.NetworkConnect(ctx, "berth-app-hello", "berth-hello-r1", &network.EndpointSettings{Aliases: []string{"web"}})
		},
		"leave": func(ctx context.Context) error {
			return api.NetworkDisconnect(ctx, "berth-app-hello", "berth-traefik", true)
		},
		"remove a network": func(ctx context.Context) error { return api.NetworkRemove(ctx, "berth-app-hello") },
		"make a volume": func(ctx context.Context) error {
			_, err := api.VolumeCreate(ctx, volume.CreateOptions{Name: "berth-vol-x", Driver: "local", Labels: labels("berth", "volume")})
			return err
		},
		"look at a volume": func(ctx context.Context) error { _, err := api.VolumeInspect(ctx, "berth-vol-data"); return err },
		"list volumes": func(ctx context.Context) error {
			_, err := api.VolumeList(ctx, volume.ListOptions{Filters: own})
			return err
		},
		"remove a volume": func(ctx context.Context) error { return api.VolumeRemove(ctx, "berth-vol-data", false) },
		"events": func(ctx context.Context) error {
			ctx, end := context.WithCancel(ctx)
			defer end()
			messages, failures := api.Events(ctx, events.ListOptions{Filters: own})
			select {
			case <-messages:
				return nil
			case err := <-failures:
				return err
			}
		},
	} {
		before := door.Refused()
		err := ask(t.Context())
		if door.Refused() != before || len(e.taken()) == 0 {
			t.Errorf("%s was refused: %v", name, err)
		}
	}
}
