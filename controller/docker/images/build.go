package images

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/build"
	imagetypes "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"
	"github.com/moby/buildkit/session"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

// The ids of the engine's messages that carry more than text.
const (
	messageProgress = "moby.buildkit.trace"
	messageImage    = "moby.image.id"
)

// keptLines is how many of a log's last lines a BuildError shows.
const keptLines = 20

// BuildOptions says what to build, and for which release.
type BuildOptions struct {
	App     string
	Release int64
	Service string // empty is plan.planx.MainService
	Build   plan.Build
	// Context writes the build context as an uncompressed tar. It is called once at
	// most, from another goroutine; an error of it ends the build and is Build's error.
	Context func(context.Context, io.Writer) error
	// Files holds what Context writes, where its files can be read in any order: then
	// the engine gets those that it asks for, which is faster than the tar, and an error
	// of reading one ends the build and is Build's. It must implement fs.ReadLinkFS.
	Files fs.FS
	// Secrets are the values that RUN --mount=type=secret reads, by id. They go through the
	// session alone: into no layer, no history and no cache key.
	Secrets map[string]string
	// Disk is where the engine keeps what is built, watched while the build runs.
	Disk Disk
}

// Build builds an image with the engine's BuildKit and hands every line of the
// log to log, which is called by one goroutine at a time. It returns a
// *BuildError where the build failed or gave its image other labels than it was
// asked for, a *plan.Refusal where an image that it begins with would make it fetch
// an address in the host's network, a *ForgedLabelError where the image claims to be something it is
// not, and ctx's error where ctx ended: then the build has been stopped in the
// engine too. A build that returns an error leaves no image behind.
//
// A build that prints too much, or that takes too much of the disk, is stopped and
// fails with a *BuildError. BuildKit takes no limit of memory, CPU or processes
// through this API (moby/buildkit issue 593): all builds share those of their cgroup.
func (i *Images) Build(ctx context.Context, options BuildOptions, log func(line string)) (Image, error) {
	if err := i.checkBases(ctx, options.Build, log); err != nil {
		return Image{}, err
	}
	request := i.buildRequest(options)
	image, err := i.build(ctx, options, request, log)
	if err == nil {
		return image, nil
	}
	i.removeBuilt(ctx, options, request.Tags)
	if ctx.Err() != nil {
		return Image{}, fmt.Errorf("build image for %s: %w", options.App, context.Cause(ctx))
	}
	return Image{}, err
}

func (o BuildOptions) service() string {
	if o.Service == "" {
		return plan.MainService
	}
	return o.Service
}

func (i *Images) build(ctx context.Context, options BuildOptions, request build.ImageBuildOptions, log func(string)) (Image, error) {
	ctx, budget := newBudget(ctx, log)
	stop := func() { budget.stop(nil) }
	defer stop()
	go budget.watch(ctx, options.Disk)
	log = budget.line
	files := &contextFiles{files: options.Files, stop: stop}
	id, closeSession, err := i.openSession(ctx, options.offers(files)...)
	switch {
	case err == nil:
		request.SessionID = id
		defer closeSession()
	case len(options.Secrets) > 0:
		return Image{}, errNoSecrets()
	default:
		// A socket proxy may refuse it. Builds on images that are there still work.
		i.link.Logger.Warn("build without a session: base images cannot be pulled", slog.Any("error", err))
	}
	// Closing the connection cancels the build, unless a proxy keeps it open.
	defer context.AfterFunc(ctx, func() { i.cancelBuild(ctx, request.BuildID) })()

	var image string
	if options.Files != nil && err == nil {
		request.RemoteContext = remoteSession
		image, err = i.runBuild(ctx, nil, request, log)
		if contextErr := files.failure(); contextErr != nil {
			return Image{}, exceeded(ctx, sendFailure(contextErr))
		}
	} else {
		image, err = i.buildFromTar(ctx, options, request, log)
	}
	if err != nil {
		return Image{}, exceeded(ctx, err)
	}
	found, labels, err := i.findImage(ctx, image)
	if err != nil {
		return Image{}, err
	}
	return found, checkLabels(labels, request.Labels)
}

// offers are what BuildKit can ask for during the build.
func (o BuildOptions) offers(files *contextFiles) []session.Attachable {
	var offered []session.Attachable
	if o.Files != nil {
		offered = append(offered, files.offer())
	}
	if len(o.Secrets) > 0 {
		offered = append(offered, offeredSecrets(o.Secrets))
	}
	return offered
}

// checkLabels refuses an image without the labels that its build was given: they
// own it. Only a build program of somebody else's leaves them out or changes them.
func checkLabels(found, asked map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(asked)) {
		if found[key] != asked[key] {
			return &BuildError{
				Message: fmt.Sprintf("The build program did not give the image its label %s.", key),
				Hint:    "Build with the engine's own program: take the line \"# syntax=\" out of the Dockerfile.",
			}
		}
	}
	return nil
}

func (i *Images) buildFromTar(ctx context.Context, options BuildOptions, request build.ImageBuildOptions, log func(string)) (string, error) {
	source := link.Stream(ctx, options.Context)
	image, err := i.runBuild(ctx, source, request, log)
	if contextErr := source.Finish(); contextErr != nil {
		return "", sendFailure(contextErr)
	}
	return image, err
}

func sendFailure(err error) error { return fmt.Errorf("send build context: %w", err) }

func (i *Images) buildRequest(options BuildOptions) build.ImageBuildOptions {
	arguments := make(map[string]*string, len(options.Build.Arguments)+1)
	for name, value := range options.Build.Arguments {
		arguments[name] = &value
	}
	labels := i.link.OwnLabels(link.RoleBuild, options.App, options.Release)
	labels[link.LabelService] = options.service()
	namespace := i.link.Stack + "-" + i.link.Handles.Of(options.App)
	arguments[link.CacheNamespace] = &namespace
	return build.ImageBuildOptions{
		Version:     build.BuilderBuildKit,
		BuildID:     namespace + "-" + rand.Text(),
		Tags:        []string{i.link.ImageTag(options.App, options.Release, options.Service)},
		Dockerfile:  options.Build.Dockerfile,
		Target:      options.Build.Target,
		BuildArgs:   arguments,
		Labels:      labels,
		NetworkMode: "default",
		ExtraHosts:  []string{i.cacheHost(options.App) + ":127.0.0.1"},
	}
}

// cacheHost is a name in the hosts file of an app's build steps. It is there to be a
// part of the key under which the build program keeps what a step made: no app is
// given what another app's step made, whatever the network told that one.
func (i *Images) cacheHost(app string) string {
	return i.link.Handles.Of(app) + "." + i.link.Stack + ".build.internal"
}

// runBuild posts the build and follows it to its end: a failure comes inside a
// response that began as a success.
func (i *Images) runBuild(ctx context.Context, source io.Reader, request build.ImageBuildOptions, log func(string)) (string, error) {
	response, err := i.link.API(ctx).ImageBuild(ctx, source, request)
	if err != nil {
		return "", link.Failure(ctx, "start build", err)
	}
	defer func() { _ = response.Body.Close() }()
	tail := &lastLines{limit: keptLines}
	transcript := newTranscript(func(line string) {
		tail.add(line)
		log(line)
	})
	id, err := follow(response.Body, transcript)
	if refusal, ok := errors.AsType[*jsonmessage.JSONError](err); ok {
		explained := explain(refusal.Message)
		explained.Lines = tail.lines
		explained.blameProcesses()
		log("ERROR: " + explained.Message)
		return "", explained
	}
	if err != nil {
		return "", link.Failure(ctx, "follow build", err)
	}
	return id, nil
}

// follow decodes the build's messages until the stream ends, and returns the
// image's id. A *jsonmessage.JSONError is the build's own failure.
func follow(messages io.Reader, transcript *transcript) (string, error) {
	defer transcript.close()
	var result build.Result
	err := link.EachMessage(messages, func(message *jsonmessage.JSONMessage) error {
		switch {
		case message.Aux == nil:
			return nil
		case message.ID == messageProgress:
			return transcript.apply(*message.Aux)
		case message.ID == messageImage:
			if err := json.Unmarshal(*message.Aux, &result); err != nil {
				return fmt.Errorf("decode image id: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if result.ID == "" {
		return "", fmt.Errorf("build ended without an image: %w", io.ErrUnexpectedEOF)
	}
	return result.ID, nil
}

func (i *Images) cancelBuild(ctx context.Context, id string) {
	ctx, cancel := link.Afterwards(ctx)
	defer cancel()
	if err := i.link.API(ctx).BuildCancel(ctx, id); err != nil {
		i.link.Logger.Debug("cancel build", slog.Any("error", err))
	}
}

// removeBuilt removes what a failed build may have left: the image can be there
// although the build was cancelled, or its labels were forged. One without our
// labels goes by the name that it was given, which is all that is known to be the
// build's: under its id there can be the image of another app.
func (i *Images) removeBuilt(ctx context.Context, options BuildOptions, names []string) {
	ctx, cancel := link.Afterwards(ctx)
	defer cancel()
	for _, name := range names {
		if _, err := i.link.API(ctx).ImageRemove(ctx, name, imagetypes.RemoveOptions{PruneChildren: true}); err != nil && !errdefs.IsNotFound(err) {
			i.link.Logger.Warn("remove image of a failed build", slog.String("image", name), slog.Any("error", err))
		}
	}
	labels := i.link.OwnLabels(link.RoleBuild, options.App, options.Release)
	if err := i.link.RemoveImages(ctx, i.link.OfApp(options.App), link.LabelRelease+"="+labels[link.LabelRelease], link.LabelService+"="+options.service()); err != nil {
		i.link.Logger.Warn("remove image of a failed build", slog.String("app", options.App), slog.Any("error", err))
	}
}

// lastLines keeps the end of a log.
type lastLines struct {
	limit int
	lines []string
}

func (l *lastLines) add(line string) {
	if len(l.lines) == l.limit {
		l.lines = append(l.lines[:0], l.lines[1:]...)
	}
	l.lines = append(l.lines, line)
}
