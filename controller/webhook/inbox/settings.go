package inbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/push"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/webhook"
)

// View is the webhook of an app as people see it.
type View struct {
	On       bool
	Address  string // of the repository; empty before the first time that it was saved
	Branch   string
	Folder   string
	HasToken bool
	// DeployKey is the public half of the key that reads the repository over SSH, and HostKey
	// the accepted key of the git host; both are empty for an address over HTTPS.
	DeployKey string
	HostKey   string
	Path      string // the random part of the address of the webhook; empty as Address

	Provider       webhook.Provider // that a person chose; empty: found by itself
	HasStatusToken bool
	Report         Report // the last one; zero without one
}

// Settings are what a person chooses.
type Settings struct {
	On      bool
	Address string
	Branch  string
	Folder  string
	// Token reads the repository. An empty one leaves the one that is kept.
	Token     secret.Text
	DropToken bool
	// HostKey accepts a key of the git host, for an address over SSH. An empty one leaves the
	// one that is kept. Where there is none, Save asks the host, and refuses with UnknownHost.
	HostKey string
	// StatusToken writes commit statuses at the git host. An empty one leaves the one that is kept.
	StatusToken     secret.Text
	DropStatusToken bool
	// Provider is the kind of the git host, for commit statuses: GitHub, Gitea or GitLab.
	// Empty: the address and the deliveries tell.
	Provider webhook.Provider
}

// UnknownHost is about a git host whose key nobody has accepted yet.
type UnknownHost struct{ Shown string }

// Error says which key the host shows.
func (u *UnknownHost) Error() string { return "the git host shows " + u.Shown }

// The fields that problems name.
const (
	FieldStatusToken = "status_token"
	FieldProvider    = "provider"
)

func checkProvider(chosen webhook.Provider) *problem.Problem {
	switch chosen {
	case "", webhook.GitHub, webhook.Gitea, webhook.GitLab:
		return nil
	}
	return problem.Invalid(fmt.Sprintf("%.40q is no kind of git host.", string(chosen)), "Choose github, gitea (for Forgejo, too) or gitlab, or nothing: then Berth finds out.").At(FieldProvider)
}

// What the sealed values belong to.
const (
	sealedToken  = "token"
	sealedStatus = "token for statuses"
)

// Show returns the webhook of an app; one that is off where it has none.
func (i *Inbox) Show(ctx context.Context, name app.Name) (View, error) {
	kept, err := i.Ledger.FindWebhook(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return View{Branch: push.DefaultBranch}, nil
	}
	if err != nil {
		return View{}, err
	}
	return i.viewOf(ctx, kept)
}

func (i *Inbox) viewOf(ctx context.Context, kept Webhook) (View, error) {
	path, err := i.Key.Open(kept.Path, placeOf("address", kept.App))
	if err != nil {
		return View{}, fmt.Errorf("open address of the webhook of %s: %w", kept.App, err)
	}
	report, err := i.Ledger.FindLastReport(ctx, kept.App)
	if err != nil {
		return View{}, err
	}
	view := View{
		On: kept.On, Address: kept.Address, Branch: kept.Branch, Folder: kept.Folder, HasToken: len(kept.Token) > 0, Path: string(path),
		Provider: kept.Chosen, HasStatusToken: len(kept.StatusToken) > 0, Report: report,
	}
	if (remote.Source{Address: kept.Address}).OverSSH() {
		private, err := i.deployKey(kept)
		if err != nil {
			return View{}, err
		}
		view.HostKey = kept.HostKey
		if view.DeployKey, err = remote.PublicHalf(private, "berth-"+string(kept.App)); err != nil {
			return View{}, err
		}
	}
	return view, nil
}

// Save makes settings hold from the next delivery on. The first time it makes an address and
// a secret, and returns the secret, which nobody sees again. All faults are Problems.
func (i *Inbox) Save(ctx context.Context, name app.Name, wish Settings) (View, secret.Text, error) {
	source, err := remote.ParseSource(wish.Address, wish.Branch, wish.Folder, wish.Token)
	if fault := remote.CheckToken(wish.StatusToken, FieldStatusToken); fault != nil {
		faults, _ := errors.AsType[problem.Problems](err)
		err = faults.With(fault)
	}
	if fault := checkProvider(wish.Provider); fault != nil {
		faults, _ := errors.AsType[problem.Problems](err)
		err = faults.With(fault)
	}
	if err != nil {
		return View{}, "", err
	}
	kept, err := i.Ledger.FindWebhook(ctx, name)
	var fresh secret.Text
	switch {
	case errors.Is(err, problem.ErrNotFound):
		kept = Webhook{App: name}
		fresh = i.renew(&kept)
	case err != nil:
		return View{}, "", err
	}
	if err := i.keepTokens(&kept, source, wish); err != nil {
		return View{}, "", err
	}
	if err := i.keepKeys(ctx, &kept, source, wish.HostKey); err != nil {
		return View{}, "", err
	}
	if kept.Address != source.Address || kept.Branch != source.Branch || kept.Folder != source.Folder {
		kept.Commit = "" // another place has not been deployed yet
	}
	kept.Chosen, kept.On, kept.Address, kept.Branch, kept.Folder = wish.Provider, wish.On, source.Address, source.Branch, source.Folder
	if err := i.Ledger.SaveWebhook(ctx, kept); err != nil {
		return View{}, "", err
	}
	view, err := i.viewOf(ctx, kept)
	return view, fresh, err
}

// keepTokens seals new tokens. One that is kept goes to no other host: whoever may change the
// address could have it sent to a server of their own.
func (i *Inbox) keepTokens(kept *Webhook, source remote.Source, wish Settings) error {
	moved := remote.HostOf(kept.Address) != remote.HostOf(source.Address)
	if moved {
		kept.Provider = ""
	}
	if source.OverSSH() {
		wish.DropToken = true // nobody would see that it is kept
	}
	for _, one := range []struct {
		at          *[]byte
		typed       secret.Text
		drop        bool
		what, field string
	}{
		{&kept.Token, source.Token, wish.DropToken, sealedToken, remote.FieldToken},
		{&kept.StatusToken, wish.StatusToken, wish.DropStatusToken, sealedStatus, FieldStatusToken},
	} {
		switch {
		case one.typed != "":
			*one.at = i.Key.Seal([]byte(one.typed.Reveal()), placeOf(one.what, kept.App))
		case one.drop:
			*one.at = nil
		case len(*one.at) > 0 && moved:
			return problem.Invalid("The token was given for another host.", "Type the token of the new host, or remove the old one.").At(one.field)
		}
	}
	return nil
}

// open returns a sealed token; an empty one where there is none.
func (i *Inbox) open(sealed []byte, what string, name app.Name) (secret.Text, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	token, err := i.Key.Open(sealed, placeOf(what, name))
	if err != nil {
		return "", fmt.Errorf("open %s of the webhook of %s: %w", what, name, err)
	}
	return secret.Text(token), nil
}

// keepKeys makes the deploy key of an app, and keeps the key of the git host that a person
// has accepted.
func (i *Inbox) keepKeys(ctx context.Context, kept *Webhook, source remote.Source, accepted string) error {
	if !source.OverSSH() {
		kept.HostKey = ""
		return nil
	}
	left := "" // in the form, of another host
	if remote.HostOf(kept.Address) != remote.HostOf(source.Address) {
		if accepted == kept.HostKey {
			left, accepted = accepted, ""
		}
		kept.HostKey = ""
	}
	switch {
	case accepted != "":
		key, err := remote.ParseHostKey(accepted)
		if err != nil {
			return err
		}
		kept.HostKey = key
	case kept.HostKey == "":
		shown, err := i.Remotes.HostKey(ctx, source)
		if err != nil {
			return err
		}
		if kept.HostKey = shown; shown == left {
			break // one host under two names
		}
		return problem.Invalid("The git host shows the key "+shown+".", "Compare it with the one that the host publishes. If they are the same, accept it: save again with it as the key of the git host.").
			At(remote.FieldHostKey).Because(&UnknownHost{shown})
	}
	if len(kept.DeployKey) > 0 {
		return nil
	}
	private, err := remote.NewDeployKey()
	if err != nil {
		return err
	}
	kept.DeployKey = i.Key.Seal([]byte(private.Reveal()), placeOf("deploy key", kept.App))
	return nil
}

// deployKey opens the private half of an app's deploy key.
func (i *Inbox) deployKey(kept Webhook) (secret.Text, error) {
	text, err := i.Key.Open(kept.DeployKey, placeOf("deploy key", kept.App))
	if err != nil {
		return "", fmt.Errorf("open deploy key of %s: %w", kept.App, err)
	}
	return secret.Text(text), nil
}

// Renew makes a new address and a new secret, which nobody sees again. The old ones end.
func (i *Inbox) Renew(ctx context.Context, name app.Name) (View, secret.Text, error) {
	kept, err := i.Ledger.FindWebhook(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return View{}, "", problem.Conflict("The app has no webhook yet.", "Save the address of its repository first.").Because(err)
	}
	if err != nil {
		return View{}, "", err
	}
	fresh := i.renew(&kept)
	if err := i.Ledger.SaveWebhook(ctx, kept); err != nil {
		return View{}, "", err
	}
	view, err := i.viewOf(ctx, kept)
	return view, fresh, err
}

func (i *Inbox) renew(kept *Webhook) secret.Text {
	path, fresh := rand.Text(), secret.Text(rand.Text()+rand.Text()) // 130 and 260 random bits
	kept.Path, kept.Hash = i.Key.Seal([]byte(path), placeOf("address", kept.App)), secret.HashToken(path)
	kept.Secret = i.Key.Seal([]byte(fresh.Reveal()), placeOf("secret", kept.App))
	return fresh
}

// placeOf is what a sealed value belongs to.
func placeOf(what string, name app.Name) string { return what + " of the webhook of " + string(name) }
