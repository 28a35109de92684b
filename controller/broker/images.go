package broker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/registry"

	"berth/controller/docker/link"
)

// importChange is a line that an imported image is given: its labels and its program.
var importChange = regexp.MustCompile(`^(LABEL|ENTRYPOINT|CMD) `)

// readImage allows this stack's images, and those of nobody: what a Dockerfile builds on
// is looked at before. Images of other stacks are not read.
func (c *check) readImage() error {
	_, err := c.usableImage("path", c.object)
	return err
}

// usableImage finds an image of this stack or of nobody.
func (c *check) usableImage(field, name string) (object, error) {
	if !isImageName(name) {
		return object{}, refuse(field, "it is no name")
	}
	found, err := c.broker.find(c.request.Context(), c.version, "images", name)
	if err != nil {
		return object{}, err
	}
	if stack := found.Labels[link.LabelStack]; stack != "" && stack != c.broker.policy.Stack {
		return object{}, refuse(field, "the image is of another stack")
	}
	return found, nil
}

func isImageName(name string) bool {
	_, err := reference.ParseAnyReference(name)
	return err == nil && plainPath.MatchString("/"+name)
}

// removeImage allows what this stack has made: by its label, or by a name that begins with
// the stack's. A build that forged its labels leaves only the name.
func (c *check) removeImage() error {
	if !isImageName(c.object) {
		return refuse("path", "it is no name")
	}
	if strings.HasPrefix(c.object, c.broker.policy.Stack+"/") {
		return nil
	}
	_, err := c.own("images", "path", c.object, link.RoleBuild, link.RoleFiles, link.RoleSecrets, link.RoleHelper)
	if _, refused := errors.AsType[*Refusal](err); refused && imageID.MatchString(c.object) {
		return c.removeRegistryImage()
	}
	return err
}

// imageID is how an image is named that was pulled: a name could be another image's by now.
var imageID = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// removeRegistryImage allows the removal of an image that a registry has, so that nothing
// is lost that cannot be pulled again. It must have no second name and be nobody's; without
// force the engine keeps what a container uses.
func (c *check) removeRegistryImage() error {
	if c.query.Has("force") || c.query.Get("noprune") != "1" {
		return refuse("query", "an image that was pulled is removed without force, and alone")
	}
	found, err := c.broker.find(c.request.Context(), c.version, "images", c.object)
	switch {
	case err != nil:
		return err
	case found.Labels[link.LabelStack] != "":
		return refuse("path", "it is not of this stack")
	case len(found.RepoDigests) == 0:
		return refuse("path", "no registry has the image")
	case len(found.RepoTags) > 1:
		return refuse("path", "the image has another name")
	}
	return nil
}

// leastCacheAge is how long no build has used what may be removed from the build cache.
const leastCacheAge = 24 * time.Hour

// pruneCache allows what a person set: to remove by age alone. The engine does not say
// whose a part of the cache is.
func (c *check) pruneCache() error {
	var selection map[string]map[string]bool
	if err := c.rewriteJSON("filters", &selection); err != nil {
		return err
	}
	until := slices.Collect(maps.Keys(selection["until"]))
	if len(selection) != 1 || len(until) != 1 {
		return refuse("query filters", "it is not an age alone")
	}
	age, err := time.ParseDuration(until[0])
	if err != nil || age < leastCacheAge {
		return refuse("query filters", "the age is below a day")
	}
	return nil
}

// makeImage allows a pull by name, and the import of this program's own images.
func (c *check) makeImage() error {
	if c.query.Get("fromSrc") == "" {
		if c.query.Get("fromImage") == "" || c.query.Has("repo") || c.query.Has("changes") {
			return refuse("query", "it is neither a pull nor an import")
		}
		if err := c.broker.policy.checkRegistry(c.query.Get("fromImage")); err != nil {
			return err
		}
		return c.takeLogin()
	}
	if c.query.Has("fromImage") {
		return refuse("query fromImage", "an import has none")
	}
	if !strings.HasPrefix(c.query.Get("repo"), c.broker.policy.Stack+"/") {
		return refuse("query repo", "the name does not begin with the stack's")
	}
	for _, change := range c.query["changes"] {
		if !importChange.MatchString(change) || strings.ContainsAny(change, "\r\n") {
			return refuse("query changes", "it is not one that the controller makes")
		}
	}
	return nil
}

// mostLogin is how long the header with the login of a registry may be, in bytes.
const mostLogin = 12 << 10

// takeLogin takes the login of a pull, for the registry of its image and no other. It is
// written anew from a name and a password alone, and stands in no log.
func (c *check) takeLogin() error {
	given := c.request.Header.Values(registry.AuthHeader)
	if strings.Join(given, "") == "" { // the client sends the header of nobody, too
		return nil
	}
	wrong := func(reason string) error { return refuse(registry.AuthHeader, reason) }
	if len(given) > 1 || len(given[0]) > mostLogin {
		return wrong("it is there more than once, or too long")
	}
	text, err := base64.URLEncoding.DecodeString(given[0])
	var login struct {
		Username      string `json:"username"`
		Password      string `json:"password"`
		ServerAddress string `json:"serveraddress"`
	}
	if err != nil || decodeOne(text, &login) != nil {
		return wrong("it is not a name and a password")
	}
	named, err := reference.ParseNormalizedNamed(c.query.Get("fromImage"))
	if err != nil || reference.Domain(named) != login.ServerAddress {
		return wrong("it is for another registry than the image's")
	}
	c.login, err = registry.EncodeAuthConfig(registry.AuthConfig{Username: login.Username, Password: login.Password, ServerAddress: login.ServerAddress})
	if err != nil {
		return wrong("it cannot be written")
	}
	return nil
}

// commit makes an image of a helper that never ran.
func (c *check) commit() error {
	var config container.Config
	if err := c.decode(&config); err != nil {
		return err
	}
	rest := config
	rest.Labels = nil
	if err := allZero("", &rest); err != nil {
		return err
	}
	if err := c.ownLabels("Labels", config.Labels, link.RoleFiles); err != nil {
		return err
	}
	found, err := c.own("containers", "query container", c.query.Get("container"), link.RoleHelper)
	if err != nil {
		return err
	}
	if !found.neverStarted() {
		return refuse("query container", "the container has run")
	}
	c.query.Set("container", found.ID)
	return nil
}

// ownLabels refuses labels that make a thing another stack's, or give it another role.
func (c *check) ownLabels(field string, labels map[string]string, roles ...string) error {
	if labels[link.LabelStack] != c.broker.policy.Stack {
		return refuse(field, "they do not name this stack")
	}
	if !slices.Contains(roles, labels[link.LabelRole]) {
		return refuse(field, "the role is not one that the controller gives")
	}
	return nil
}

// build allows the engine's own build program, with an archive or with the controller's
// session, and no network but that of builds.
func (c *check) build() error {
	for _, tag := range c.query["t"] {
		if !strings.HasPrefix(tag, c.broker.policy.Stack+"/") {
			return refuse("query t", "the name does not begin with the stack's")
		}
	}
	if len(c.query["t"]) == 0 {
		return refuse("query t", "the image has no name")
	}
	for _, host := range c.query["extrahosts"] {
		name, address, _ := strings.Cut(host, ":")
		if address != "127.0.0.1" || !strings.HasSuffix(name, "."+c.broker.policy.Stack+".build.internal") {
			return refuse("query extrahosts", "it is not the name of a build")
		}
	}
	var labels map[string]string
	if err := c.rewriteJSON("labels", &labels); err != nil {
		return err
	}
	if err := c.ownLabels("query labels", labels, link.RoleBuild); err != nil {
		return err
	}
	var arguments map[string]*string
	if err := c.rewriteJSON("buildargs", &arguments); err != nil {
		return err
	}
	for name := range arguments {
		// BUILDKIT_SYNTAX runs another build program, BUILDKIT_CONTEXT_... another context.
		if strings.HasPrefix(strings.ToUpper(name), "BUILDKIT_") && name != link.CacheNamespace {
			return refuse("query buildargs", "one of them would change the build program")
		}
	}
	return nil
}

// rewriteJSON decodes a parameter, and writes it anew from what was decoded.
func (c *check) rewriteJSON(name string, into any) error {
	if !c.query.Has(name) {
		return nil
	}
	if err := decodeOne([]byte(c.query.Get(name)), into); err != nil {
		return refuse("query "+name, err.Error())
	}
	text, err := json.Marshal(into)
	if err != nil {
		return refuse("query "+name, "it cannot be written")
	}
	c.query.Set(name, string(text))
	return nil
}

// cancelBuild is for builds of this stack, whose IDs begin with its name.
func (c *check) cancelBuild() error {
	if !strings.HasPrefix(c.query.Get("id"), c.broker.policy.Stack+"-") {
		return refuse("query id", "the build is not of this stack")
	}
	return nil
}
