package images

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/containerd/errdefs"
	names "github.com/distribution/reference"
	imagetypes "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"

	"berth/controller/docker/link"
	"berth/controller/printable"
)

// PullOptions says which image to have.
type PullOptions struct {
	Reference string // name, name:tag or name@digest
	Always    bool   // ask the registry also where the image is there
}

// PullError says that an image could not be had. Message and Hint are whole
// sentences that are safe to show.
type PullError struct {
	Message string
	Hint    string
	Err     error
}

// Error gives the message and the engine's own words.
func (e *PullError) Error() string { return "pull image: " + e.Message + ": " + e.Err.Error() }

// Unwrap returns the engine's own words.
func (e *PullError) Unwrap() error { return e.Err }

// PullImage returns an image that a registry has, and hands every step of the
// pull to log. The digest is the reference to pull exactly this image again; it is
// empty for an image that no registry gave. The error is a *PullError where the
// image cannot be had, and a *ForgedLabelError where it carries our labels.
func (i *Images) PullImage(ctx context.Context, options PullOptions, log func(line string)) (image Image, digest string, err error) {
	named, err := parseName(options.Reference)
	if err != nil {
		return Image{}, "", err
	}
	name := names.FamiliarString(named)
	if !options.Always {
		image, digest, err = i.findPulled(ctx, name, named)
		if err == nil || !errors.Is(err, link.ErrNotFound) {
			log(fmt.Sprintf("%s is on the server already", name))
			i.remember(ctx, name, image.ID, image.ID)
			return image, digest, err
		}
	}
	if err := i.pull(ctx, name, log); err != nil {
		return Image{}, "", err
	}
	return i.findPulled(ctx, name, named)
}

// FindPulled is PullImage for an image that is there already, else link.ErrNotFound.
func (i *Images) FindPulled(ctx context.Context, reference string) (image Image, digest string, err error) {
	named, err := parseName(reference)
	if err != nil {
		return Image{}, "", err
	}
	return i.findPulled(ctx, names.FamiliarString(named), named)
}

func parseName(reference string) (names.Named, error) {
	named, err := names.ParseNormalizedNamed(reference)
	if err != nil {
		return nil, &PullError{Message: fmt.Sprintf("%.80q is not the name of an image.", reference), Hint: "Write it as name:tag, such as postgres:17.", Err: err}
	}
	return names.TagNameOnly(named), nil
}

// findPulled looks an image up, and the digest under which its registry knows it.
func (i *Images) findPulled(ctx context.Context, name string, named names.Named) (image Image, digest string, err error) {
	image, err = i.FindImage(ctx, name)
	if err != nil {
		return Image{}, "", err
	}
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := i.link.API(ctx).ImageInspect(ctx, image.ID)
	if err != nil {
		return Image{}, "", link.Failure(ctx, "inspect image", err)
	}
	if found.Config != nil && found.Config.Labels[link.LabelStack] != "" {
		// A build of this stack belongs to its release, whose end would be this one's too.
		return Image{}, "", &ForgedLabelError{Label: link.LabelStack}
	}
	for _, candidate := range found.RepoDigests {
		known, err := names.ParseNormalizedNamed(candidate)
		if err == nil && known.Name() == named.Name() {
			return image, candidate, nil
		}
	}
	return image, "", nil
}

// pull has the engine pull an image, and remembers what that brought.
func (i *Images) pull(ctx context.Context, name string, log func(string)) error {
	before, err := i.imageID(ctx, name)
	if err != nil {
		return err
	}
	if err := i.followPull(ctx, name, log); err != nil {
		return err
	}
	if after, err := i.imageID(ctx, name); err == nil && after != "" {
		i.remember(ctx, name, before, after)
	}
	return nil
}

// followPull follows the pull to its end: a failure comes inside a response that began
// as a success.
func (i *Images) followPull(ctx context.Context, name string, log func(string)) error {
	log("pulling " + name)
	as, err := i.loginFor(ctx, hostOf(name))
	if err != nil {
		return &PullError{
			Message: fmt.Sprintf("The login of the registry %.120s cannot be read.", hostOf(name)),
			Hint:    "Type its password again under Settings, Registries, or remove it there.", Err: err,
		}
	}
	header, err := as.header()
	if err != nil {
		return fmt.Errorf("write the login of the registry: %w", err)
	}
	response, err := i.link.API(ctx).ImagePull(ctx, name, imagetypes.PullOptions{RegistryAuth: header})
	if err != nil {
		return pullFailure(ctx, name, as.strip(err))
	}
	defer func() { _ = response.Close() }()
	said := map[string]string{}
	err = link.EachMessage(response, func(message *jsonmessage.JSONMessage) error {
		onItsWay := message.Progress != nil && message.Progress.Total > 0 // a layer, whose end is a line of its own
		if !onItsWay && said[message.ID] != message.Status {
			said[message.ID] = message.Status
			log(printable.Plain(strings.TrimSpace(message.ID + " " + message.Status)))
		}
		return nil
	})
	if refusal, ok := errors.AsType[*jsonmessage.JSONError](err); ok {
		return pullFailure(ctx, name, as.strip(refusal))
	}
	return link.Failure(ctx, "follow pull", as.strip(err))
}

// What registries and the engine say of images that cannot be had.
var (
	pullMissing  = regexp.MustCompile(`manifest unknown|manifest for .* not found|not found: manifest`)
	pullDenied   = regexp.MustCompile(`pull access denied|unauthorized|authentication required|denied:|no basic auth`)
	pullLimited  = regexp.MustCompile(`toomanyrequests|429 Too Many Requests`)
	pullPlatform = regexp.MustCompile(`no matching manifest for|does not match the specified platform`)
	pullFull     = regexp.MustCompile(`no space left on device`)
)

// pullFailure says in words why an image cannot be had.
func pullFailure(ctx context.Context, name string, err error) error {
	text := err.Error()
	refused := &PullError{Err: err}
	switch {
	case pullLimited.MatchString(text):
		refused.Message = "The registry refuses more downloads at the moment: its rate limit is reached."
		refused.Hint = "Wait and deploy again, or pull the image on the server once: an image that is there is used."
	case pullMissing.MatchString(text):
		refused.Message = fmt.Sprintf("The image %.200s does not exist in its registry.", name)
		refused.Hint = "Check the name and the tag."
	case pullDenied.MatchString(text):
		refused.Message = fmt.Sprintf("The image %.200s does not exist, or its registry wants a login.", name)
		refused.Hint = "Check the name. For a private image, give Berth a login of its registry under Settings, Registries."
	case pullPlatform.MatchString(text):
		refused.Message = fmt.Sprintf("The image %.200s is not made for this machine's processor.", name)
		refused.Hint = "Choose an image or a tag that is made for it."
	case pullFull.MatchString(text):
		refused.Message = "The server's disk is full."
		refused.Hint = "Make room on the server, then deploy again."
	case certificate.MatchString(text):
		refused.Message = fmt.Sprintf("The registry's certificate is not trusted by the engine (%s).", printable.Plain(certificate.FindString(text)))
		refused.Hint = "Give the engine the registry's certificate authority, under /etc/docker/certs.d."
	case connectionFault.MatchString(text):
		refused.Message = fmt.Sprintf("The image %.200s is not on the server, and its registry cannot be reached to fetch it (%s).", name, connectionFault.FindString(text))
		refused.Hint = "Check the server's connection and name resolution, or load the image into the engine by hand: an image that is there is used."
	case ctx.Err() == nil && (errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err)):
		refused.Message = fmt.Sprintf("The image %.200s cannot be pulled: %s", name, Sentence(printable.Plain(text)))
		refused.Hint = "Check the name and the tag."
	default:
		return link.Failure(ctx, "pull image "+name, err)
	}
	return refused
}
