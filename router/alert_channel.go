package router

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/alert/desk"
	"berth/controller/problem"
	"berth/controller/secret"
)

type channelPage struct {
	frame
	ID       int64 // 0: a new one
	Form     channel.Form
	Typed    desk.Wish
	Stored   bool // it has a secret
	Problems fieldProblems
	Action   string
}

// Wrong is the problem of a field.
func (p channelPage) Wrong(field string) *problem.Problem { return p.Problems[field] }

// Fields are the fields of one line.
func (p channelPage) Fields() []textField {
	s := p.Typed.Settings
	field := func(id, label, value, hint string) textField {
		return textField{id, label, value, hint, p.Problems[id]}
	}
	fields := []textField{field(alert.FieldName, "Name", p.Typed.Name, "ops")}
	if p.Form.Address != "" {
		fields = append(fields, field(channel.FieldAddress, p.Form.Address, s.Address, p.Form.AddressHint))
	}
	if p.Form.To != "" {
		fields = append(fields, field(channel.FieldTo, p.Form.To, s.To, p.Form.ToHint))
	}
	if p.Form.Kind == channel.Email {
		fields = append(fields, field(channel.FieldFrom, "Sender", s.From, "berth@example.com"), field(channel.FieldUser, "User name on the mail server (optional)", s.User, ""))
	}
	return fields
}

func (a *admin) newChannel(v *visit) error {
	kind := channel.Kind(v.gin.Query(channel.FieldKind))
	if _, ok := channel.FormOf(kind); !ok {
		kind = channel.Email
	}
	return a.channelForm(v, channelPage{Typed: desk.Wish{Settings: channel.Settings{Kind: kind}}})
}

func (a *admin) showChannel(v *visit) error {
	found, err := a.findChannel(v)
	if err != nil {
		return err
	}
	return a.channelForm(v, channelPage{ID: found.ID, Typed: desk.Wish{Name: found.Name, Settings: found.Settings}, Stored: len(found.Sealed) > 0})
}

func (a *admin) findChannel(v *visit) (alert.Channel, error) {
	id, err := v.number("id")
	if err != nil {
		return alert.Channel{}, err
	}
	book, err := a.alerts.View(v.context())
	at := slices.IndexFunc(book.Channels, func(c alert.Channel) bool { return c.ID == id })
	if err != nil || at < 0 {
		return alert.Channel{}, noSuchAlert(err)
	}
	return book.Channels[at], nil
}

func noSuchAlert(err error) error {
	if err != nil {
		return err
	}
	return problem.NotFound("There is no such rule or channel.", "See Settings, Alerts.")
}

func (a *admin) channelForm(v *visit, page channelPage) error {
	page.Form, _ = channel.FormOf(page.Typed.Settings.Kind)
	title, action := "New channel: "+page.Form.Label, channelsPath
	if page.ID != 0 {
		title, action = "Channel: "+page.Form.Label, channelsPath+"/"+strconv.FormatInt(page.ID, 10)
	}
	page.frame, page.Action = v.frame(title), action
	page.Section, page.Tab, page.Problem = "settings", "alerts", page.Problems[""]
	return v.page(page.Problems.status(), "alert_channel", page)
}

func channelWishOf(form url.Values) desk.Wish {
	return desk.Wish{
		Name: strings.TrimSpace(form.Get(alert.FieldName)), Secret: secret.Text(strings.TrimSpace(form.Get(channel.FieldSecret))),
		Settings: channel.Settings{
			Kind: channel.Kind(form.Get(channel.FieldKind)), Address: form.Get(channel.FieldAddress), To: form.Get(channel.FieldTo),
			From: form.Get(channel.FieldFrom), User: form.Get(channel.FieldUser), TLS: form.Get(channel.FieldTLS), Private: form.Get(channel.FieldPrivate) != "",
		},
	}
}

func (a *admin) createChannel(v *visit) error { return a.saveChannel(v, alert.Channel{}) }

func (a *admin) updateChannel(v *visit) error {
	found, err := a.findChannel(v)
	if err != nil {
		return err
	}
	return a.saveChannel(v, found)
}

// saveChannel creates or changes a channel: 303 to the page of alerts.
func (a *admin) saveChannel(v *visit, was alert.Channel) error {
	wish := channelWishOf(v.request().PostForm)
	if was.ID != 0 {
		wish.Settings.Kind = was.Settings.Kind
	}
	_, err := a.keepChannel(v, was.ID, wish)
	problems, err := fileProblems(err)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		if _, known := channel.FormOf(wish.Settings.Kind); !known {
			wish.Settings.Kind = channel.Email
		}
		return a.channelForm(v, channelPage{ID: was.ID, Typed: wish, Stored: len(was.Sealed) > 0, Problems: problems})
	}
	if err := v.notify("Saved. Send a test to see whether it arrives."); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

// keepChannel creates or changes a channel, for pages and the API.
func (a *admin) keepChannel(v *visit, was int64, wish desk.Wish) (id int64, err error) {
	wish.ID = was
	if id, err = a.alerts.SaveChannel(v.context(), wish); err != nil {
		return 0, err
	}
	v.done.resource, v.done.detail = "alert channel "+wish.Name, string(wish.Settings.Kind)
	return id, nil
}

// testChannel sends a test message at once.
func (a *admin) testChannel(v *visit) error {
	found, err := a.findChannel(v)
	if err != nil {
		return err
	}
	v.done.resource = "alert channel " + found.Name
	words := "The test was sent to " + found.Name + "."
	if err := a.alerts.TestChannel(v.context(), found.ID); err != nil {
		fault := asProblem(err)
		if fault.Kind != problem.KindUnavailable {
			return err
		}
		return a.channelForm(v, channelPage{
			ID: found.ID, Typed: desk.Wish{Name: found.Name, Settings: found.Settings}, Stored: len(found.Sealed) > 0, Problems: fieldProblems{"": fault},
		})
	}
	if err := v.notify(words); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

func (a *admin) deleteChannel(v *visit) error {
	name, err := a.dropChannel(v)
	if err != nil {
		return err
	}
	if err := v.notify("The channel " + name + " was removed."); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

// dropChannel removes the channel that the path names.
func (a *admin) dropChannel(v *visit) (name string, err error) {
	found, err := a.findChannel(v)
	if err != nil {
		return "", err
	}
	v.done.resource = "alert channel " + found.Name
	return found.Name, a.alerts.DeleteChannel(v.context(), found.ID)
}

// apiTestChannel answers 200 once the channel took a test message.
func (a *admin) apiTestChannel(v *visit) error {
	found, err := a.findChannel(v)
	if err != nil {
		return err
	}
	v.done.resource = "alert channel " + found.Name
	if err := a.alerts.TestChannel(v.context(), found.ID); err != nil {
		return err
	}
	return v.json(http.StatusOK, beganJSON{})
}
