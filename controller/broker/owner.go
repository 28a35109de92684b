package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"

	"berth/controller/docker/link"
)

// mostAnswer bounds what is read of the engine's answer about one object.
const mostAnswer = 8 << 20

// errGone says that the engine has no such object.
var errGone = errors.New("no such object")

// object is what the engine tells of a container, image, network or volume.
type object struct {
	ID     string
	Labels map[string]string
	Config struct {
		Labels map[string]string
	}
	RepoTags    []string // of an image
	RepoDigests []string // under which registries know it
	State       struct {
		Status    string
		StartedAt string
	}
}

// neverStarted reports whether a container was made and has not run.
func (o object) neverStarted() bool {
	return o.State.Status == "created" && (o.State.StartedAt == "" || strings.HasPrefix(o.State.StartedAt, "0001-01-01"))
}

// find asks the engine for an object. The kind is containers, images, networks or volumes.
func (b *Broker) find(ctx context.Context, version, kind, name string) (object, error) {
	path := "/" + version + "/" + kind + "/" + name
	if kind == "containers" || kind == "images" {
		path += "/json"
	}
	var found object
	if err := b.lookUp(ctx, &url.URL{Path: path}, &found); err != nil {
		return object{}, err
	}
	if found.Labels == nil {
		found.Labels = found.Config.Labels
	}
	return found, nil
}

// users are the containers that have a volume mounted, also those that do not run.
func (b *Broker) users(ctx context.Context, version, volume string) ([]object, error) {
	selection, err := filters.ToJSON(filters.NewArgs(filters.Arg("volume", volume)))
	if err != nil {
		return nil, fmt.Errorf("look up the users of a volume: %w", err)
	}
	var users []object
	query := url.Values{"all": {"1"}, "filters": {selection}}
	err = b.lookUp(ctx, &url.URL{Path: "/" + version + "/containers/json", RawQuery: query.Encode()}, &users)
	return users, err
}

// lookUp asks the engine and decodes its answer.
func (b *Broker) lookUp(ctx context.Context, address *url.URL, into any) error {
	address.Scheme, address.Host = "http", engineHost
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return refuse("path", "it names nothing that can be looked up")
	}
	response, err := b.transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("look an object up: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode == http.StatusNotFound:
		return errGone
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("look an object up: the engine answers %d", response.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, mostAnswer)).Decode(into); err != nil {
		return fmt.Errorf("look an object up: %w", err)
	}
	return nil
}

// own finds an object of this stack that has one of the roles. The call goes on with its
// ID, so that the object cannot become another one before the engine looks.
func (c *check) own(kind, field, name string, roles ...string) (object, error) {
	if name == "" || !plainPath.MatchString("/"+name) {
		return object{}, refuse(field, "it is no name")
	}
	found, err := c.broker.find(c.request.Context(), c.version, kind, name)
	if err != nil {
		return object{}, err
	}
	if found.Labels[link.LabelStack] != c.broker.policy.Stack {
		return object{}, refuse(field, "it is not of this stack")
	}
	if !slices.Contains(roles, found.Labels[link.LabelRole]) {
		return object{}, refuse(field, "the controller does not do this with what it is")
	}
	return found, nil
}

// ofPath is own for the object in the path.
func (c *check) ofPath(kind string, roles ...string) (object, error) {
	found, err := c.own(kind, "path", c.object, roles...)
	if err == nil && found.ID != "" {
		c.object = found.ID
	}
	return found, err
}

func (c *check) readContainer() error {
	_, err := c.ofPath("containers", link.RoleApp, link.RoleHelper, link.RoleSecrets, link.RoleProxy, link.RoleEgress)
	return err
}

// workContainer is for what is done to the containers that the controller has made. The
// stack's own are not among them.
func (c *check) workContainer() error {
	_, err := c.ofPath("containers", link.RoleApp, link.RoleHelper, link.RoleSecrets)
	return err
}

// runContainer is for what is started and removed, the exit too.
func (c *check) runContainer() error {
	_, err := c.ofPath("containers", link.RoleApp, link.RoleHelper, link.RoleSecrets, link.RoleEgress)
	return err
}

func (c *check) readLogs() error {
	_, err := c.ofPath("containers", link.RoleApp, link.RoleProxy)
	return err
}

// attach is for our own program, which is told what to do.
func (c *check) attach() error {
	_, err := c.ofPath("containers", link.RoleHelper, link.RoleEgress)
	return err
}

// restart is for apps, keepers of secrets, and the proxy, which reads its settings anew.
func (c *check) restart() error {
	_, err := c.ofPath("containers", link.RoleApp, link.RoleSecrets, link.RoleProxy)
	return err
}

// archive is for containers that never ran: what runs could change links under the
// engine's hands while it packs or unpacks. A keeper of secrets runs this program's own
// code, on a root that nothing can write to.
func (c *check) archive() error {
	found, err := c.ofPath("containers", link.RoleApp, link.RoleHelper, link.RoleSecrets)
	if err != nil {
		return err
	}
	if found.Labels[link.LabelRole] != link.RoleSecrets && !found.neverStarted() {
		return refuse("path", "the container has run")
	}
	return nil
}

func (c *check) removeNetwork() error {
	_, err := c.ofPath("networks", link.RoleNetwork, link.RoleProbe, link.RoleEgress)
	return err
}

// namedVolume keeps the name: volumes have no ID.
func (c *check) namedVolume() error {
	_, err := c.own("volumes", "path", c.object, link.RoleVolume, link.RoleSecrets)
	return err
}
