// Package images builds, pulls, finds and removes the images of one stack, and says why a build or a pull failed.
package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

// PortVariable tells an app which port to listen on.
const PortVariable = "PORT"

// Image is what the engine says of an image that one of this stack's builds made.
type Image struct {
	ID      string
	User    string   // as the image names it, such as "app" or "1000:1000"; empty is root
	Exposed []uint16 // TCP ports, lowest first
	// Entrypoint and Command are what a container of it runs.
	Entrypoint, Command []string
	HasHealthcheck      bool
	// HealthInterval and HealthStartInterval are how often the image asks its health
	// check; zero is the engine's default.
	HealthInterval, HealthStartInterval time.Duration
	// HealthStartPeriod and HealthRetries say how long the image's health check may fail;
	// zero is the engine's default.
	HealthStartPeriod time.Duration
	HealthRetries     int
	// Volumes are the paths that the image declares as volumes, in order.
	Volumes []string
	// Content is a hash of what the image holds and how it runs, without its labels of
	// ours: two builds of the same content have one, and an id each.
	Content string
	// SetsPort says that the image itself has an environment variable PORT.
	SetsPort bool
	// Proxies are the environment variables of the image that name a proxy for clients.
	Proxies []string
}

// Images builds, pulls, finds and removes a stack's images.
type Images struct {
	// Pulls is told what was pulled; nil where nobody remembers it.
	Pulls Pulls
	// Logins tell how to sign in to registries; nil: as anybody.
	Logins Logins

	link *link.Link
}

// New returns the images of the stack that the link is for.
func New(reached *link.Link) *Images { return &Images{link: reached} }

// FindImage looks an image up by its id. One that carries a label that only
// Berth sets, and that no build of this stack set, is a *ForgedLabelError.
func (i *Images) FindImage(ctx context.Context, id string) (Image, error) {
	image, _, err := i.findImage(ctx, id)
	return image, err
}

// findImage is FindImage, with all labels of the image.
func (i *Images) findImage(ctx context.Context, id string) (_ Image, labels map[string]string, err error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := i.link.API(ctx).ImageInspect(ctx, id)
	if err != nil {
		return Image{}, nil, link.Failure(ctx, "inspect image", err)
	}
	if found.Config == nil {
		return Image{}, nil, fmt.Errorf("inspect image: %w: %s has no configuration", link.ErrNotFound, id)
	}
	if label := i.forgedLabel(found.Config.Labels); label != "" {
		return Image{}, nil, &ForgedLabelError{Label: label}
	}
	health := found.Config.Healthcheck
	if health == nil {
		health = &container.HealthConfig{}
	}
	return Image{
		HealthInterval: health.Interval, HealthStartInterval: health.StartInterval,
		HealthStartPeriod: health.StartPeriod, HealthRetries: health.Retries,
		ID:             found.ID,
		User:           found.Config.User,
		Entrypoint:     found.Config.Entrypoint,
		Command:        found.Config.Cmd,
		Exposed:        tcpPorts(slices.Collect(maps.Keys(found.Config.ExposedPorts))),
		HasHealthcheck: !disabled(health.Test),
		Volumes:        slices.Sorted(maps.Keys(found.Config.Volumes)),
		SetsPort:       HasVariable(found.Config.Env, PortVariable),
		Proxies:        proxyVariables(found.Config.Env),
		Content:        contentOf(found),
	}, found.Config.Labels, nil
}

func contentOf(image imagetypes.InspectResponse) string {
	config := *image.Config
	config.Labels = maps.Clone(config.Labels)
	maps.DeleteFunc(config.Labels, func(key, _ string) bool { return reserved(key, "berth") })
	text, err := json.Marshal(struct {
		Layers []string
		Config any
	}{image.RootFS.Layers, config})
	if err != nil {
		panic(err) // it came as JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// RemoveImage removes an image with all its names. One that is gone already is
// fine; one that a container still uses is an error.
func (i *Images) RemoveImage(ctx context.Context, id string) error {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := i.link.API(ctx).ImageInspect(ctx, id)
	if err != nil {
		return link.NotFoundIsFine(link.Failure(ctx, "inspect image", err))
	}
	if found.Config == nil || found.Config.Labels[link.LabelStack] != i.link.Stack {
		return fmt.Errorf("remove image %s: %w", id, link.ErrNotFound)
	}
	return i.link.RemoveImage(ctx, found.ID, found.RepoTags)
}

// tcpPorts picks the TCP ports out of specifications such as "8000/tcp" and "53/udp".
func tcpPorts(specifications []string) []uint16 {
	var ports []uint16
	for _, specification := range specifications {
		number, protocol, _ := strings.Cut(specification, "/")
		if protocol != "" && protocol != "tcp" {
			continue
		}
		if port, err := strconv.ParseUint(number, 10, 16); err == nil && port > 0 {
			ports = append(ports, uint16(port))
		}
	}
	slices.Sort(ports)
	return ports
}

// AsksTooOften reports whether the image's own health check would be asked more often
// than plan.planx.LeastInterval allows. Start asks it less often.
func (i Image) AsksTooOften() bool {
	return i.HasHealthcheck && (TooShort(i.HealthInterval) || TooShort(i.HealthStartInterval))
}

// TooShort reports whether a health check would be asked more often than plan.planx.LeastInterval allows.
func TooShort(interval time.Duration) bool { return interval != 0 && interval < plan.LeastInterval }

// disabled reports whether a health check's test says that there is none.
func disabled(test []string) bool {
	return len(test) == 0 || test[0] == "NONE"
}

// HasVariable reports whether an environment of "NAME=value" lines sets the name.
func HasVariable(environment []string, name string) bool {
	return slices.ContainsFunc(environment, func(line string) bool {
		return strings.HasPrefix(line, name+"=")
	})
}

// proxyVariables are the names of those that clients read to find their proxy.
func proxyVariables(environment []string) []string {
	var names []string
	for _, line := range environment {
		name, _, _ := strings.Cut(line, "=")
		if slices.Contains([]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}, strings.ToUpper(name)) {
			names = append(names, name)
		}
	}
	return names
}
