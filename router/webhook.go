package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
)

// Webhooks deploy apps when a git host tells of a push.
type Webhooks interface {
	Deliver(ctx context.Context, path string, header http.Header, body []byte) (inbox.Answer, error)
	Deliveries(context.Context, app.Name) ([]inbox.Delivery, error)
	Show(context.Context, app.Name) (inbox.View, error)
	Save(context.Context, app.Name, inbox.Settings) (inbox.View, secret.Text, error)
	Renew(context.Context, app.Name) (inbox.View, secret.Text, error)
	Fetch(ctx context.Context, name app.Name, by string) (inbox.Answer, error)
}

// webhookPath is where git hosts send deliveries to. The id is the random part.
const (
	webhookPath  = "/hooks/"
	webhookRoute = webhookPath + ":id"
)

// deliveryBody is one byte more than a delivery may have, so that the history of the app tells
// of one that is too large.
const deliveryBody = webhook.MostBody + 1

func isWebhook(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, webhookPath) }

// deliveryJSON is what a git host is told.
type deliveryJSON struct {
	Result  inbox.Result `json:"result"`
	Reason  string       `json:"reason"`
	Release int64        `json:"release,omitempty"`
}

// receiveWebhook takes a delivery of a git host, which has no session and no form of ours: its
// signature proves it.
func (a *admin) receiveWebhook(v *visit) error {
	body, err := io.ReadAll(v.request().Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err != nil && !tooLarge {
		return err
	}
	answer, err := a.webhooks.Deliver(v.context(), v.gin.Param("id"), v.request().Header, body)
	v.done.halfway = answer.App == "" || answer.Result == inbox.Ignored // nothing of ours was named, or done
	v.done.resource, v.done.detail = "app "+string(answer.App), "webhook: "+string(answer.Result)
	if err != nil {
		return err
	}
	return a.tellAnswer(v, answer)
}

// tellAnswer answers with what came of a delivery or of a fetch.
func (*admin) tellAnswer(v *visit, answer inbox.Answer) error {
	status := http.StatusOK
	if answer.Result != inbox.Ignored {
		status = http.StatusAccepted
	}
	if answer.Release != 0 {
		v.done.detail = fmt.Sprintf("webhook: release %d", answer.Release)
	}
	return v.json(status, deliveryJSON{answer.Result, answer.Reason, answer.Release})
}

// fetch deploys the tip of the app's branch for whoever asks.
func (a *admin) fetch(v *visit, name app.Name) (inbox.Answer, error) {
	v.done.detail = "fetch of the branch"
	answer, err := a.webhooks.Fetch(v.context(), name, v.caller.name())
	v.done.halfway = err == nil && answer.Result == inbox.Ignored
	return answer, err
}

// saveWebhook keeps what a person or a program chose.
func (a *admin) saveWebhook(v *visit, name app.Name, wish inbox.Settings) (inbox.View, secret.Text, error) {
	v.done.detail = "webhook"
	return a.webhooks.Save(v.context(), name, wish)
}

// renewWebhook makes a new address and a new secret.
func (a *admin) renewWebhook(v *visit, name app.Name) (inbox.View, secret.Text, error) {
	v.done.detail = "a new address and secret of the webhook"
	return a.webhooks.Renew(v.context(), name)
}

// webhookAddress is what a git host is given; empty while there is none.
func (a *admin) webhookAddress(r *http.Request, view inbox.View) string {
	if view.Path == "" {
		return ""
	}
	return "https://" + a.authority(r) + webhookPath + view.Path
}

// webhookFaults moves faults to the fields of the page, which has another form with a branch
// and a folder.
func webhookFaults(err error) error {
	return movedFaults(err, map[string]string{fieldBranch: fieldWebhookBranch, fieldFolder: fieldWebhookFolder})
}

// movedFaults moves faults to the fields that a page has in place of others.
func movedFaults(err error, fields map[string]string) error {
	several, ok := errors.AsType[problem.Problems](err)
	if !ok {
		one, ok := errors.AsType[*problem.Problem](err)
		if !ok || fields[one.Field] == "" {
			return err
		}
		several = problem.Problems{one}
	}
	moved := make(problem.Problems, 0, len(several))
	for _, fault := range several {
		one := *fault
		one.Field = cmp.Or(fields[one.Field], one.Field)
		moved = append(moved, &one)
	}
	return moved
}
