package channel

import (
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"berth/controller/problem"
	"berth/controller/secret"
)

// The fields that problems name.
const (
	FieldKind    = "kind"
	FieldAddress = "address"
	FieldTo      = "recipient"
	FieldFrom    = "sender"
	FieldUser    = "mail_user"
	FieldTLS     = "encryption"
	FieldSecret  = "secret"
	FieldPrivate = "private"
)

// Form says which fields a kind has, in words; an empty label means that it has none.
type Form struct {
	Kind                            Kind
	Label                           string
	Address, AddressHint            string
	To, ToHint                      string
	Secret, SecretHint              string
	SecretOptional, AddressOptional bool
	AddressIsSecret                 bool // the secret is the address
}

var forms = []Form{
	{Kind: Email, Label: "E-mail", Address: "Mail server and port", AddressHint: "mail.example.com:587", To: "Recipients", ToHint: "name@example.org, other@example.org", Secret: "Password of the mail server", SecretOptional: true},
	{Kind: Webhook, Label: "Webhook", Address: "URL", AddressHint: "https://example.com/hooks/berth", Secret: "Signing secret", SecretHint: "At least 16 characters. The receiver checks the signature with it."}, //nolint:gosec // words of a form
	{Kind: Discord, Label: "Discord", Secret: "Webhook URL", SecretHint: "https://discord.com/api/webhooks/...", AddressIsSecret: true},                                                                           //nolint:gosec // words of a form
	{Kind: Slack, Label: "Slack", Secret: "Webhook URL", SecretHint: "https://hooks.slack.com/services/...", AddressIsSecret: true},                                                                               //nolint:gosec // words of a form
	{Kind: Telegram, Label: "Telegram", To: "Chat ID", ToHint: "-1001234567890", Secret: "Bot token", SecretHint: "From @BotFather", Address: "API server (optional)", AddressHint: telegramServer, AddressOptional: true},
	{Kind: Ntfy, Label: "ntfy", Address: "Server", AddressHint: "https://ntfy.sh", To: "Topic", ToHint: "berth-alerts", Secret: "Access token", SecretOptional: true},
	{Kind: Gotify, Label: "Gotify", Address: "Server", AddressHint: "https://gotify.example.com", Secret: "Application token"},
	{Kind: Pushover, Label: "Pushover", To: "User or group key", Secret: "Application token", Address: "API server (optional)", AddressHint: pushoverServer, AddressOptional: true},
}

// Forms returns the form of each kind.
func Forms() []Form { return slices.Clone(forms) }

// FormOf returns the form of a kind.
func FormOf(kind Kind) (Form, bool) {
	at := slices.IndexFunc(forms, func(f Form) bool { return f.Kind == kind })
	if at < 0 {
		return Form{}, false
	}
	return forms[at], true
}

const (
	mostField = 500
	leastHMAC = 16 // characters of the signing secret of a webhook
)

// Check returns the settings as they are kept, without fields that the kind does not have,
// and all that is wrong as problem.Problems. A stored secret counts as typed.
func Check(s Settings, key secret.Text, stored bool) (Settings, error) {
	form, ok := FormOf(s.Kind)
	if !ok {
		return s, problem.Problems{problem.Invalid("There is no such kind of channel.", "Choose one of the list, such as email.").At(FieldKind)}
	}
	c := checker{form: form}
	made := Settings{Kind: s.Kind, Private: s.Private}
	if form.Address != "" {
		made.Address = strings.TrimSpace(s.Address)
		c.address(made)
	}
	if form.To != "" {
		made.To = strings.TrimSpace(s.To)
		c.to(made)
	}
	if s.Kind == Email {
		made.From, made.User, made.TLS = strings.TrimSpace(s.From), strings.TrimSpace(s.User), s.TLS
		c.mail(&made, key != "" || stored)
	}
	c.secret(key, stored)
	if len(c.faults) > 0 {
		return made, c.faults
	}
	return made, nil
}

type checker struct {
	form   Form
	faults problem.Problems
}

func (c *checker) refuse(field, message, hint string) {
	c.faults = append(c.faults, problem.Invalid(message, hint).At(field))
}

func (c *checker) address(s Settings) {
	switch {
	case s.Address == "" && c.form.AddressOptional:
	case s.Kind == Email:
		host, port, err := net.SplitHostPort(s.Address)
		number, numberErr := strconv.ParseUint(port, 10, 16)
		if err != nil || numberErr != nil || number == 0 || host == "" || len(s.Address) > mostField || strings.ContainsAny(host, " /@") {
			c.refuse(FieldAddress, "This is not the address of a mail server.", "Write the host and the port, such as mail.example.com:587.")
		}
	case !IsURL(s.Address):
		c.refuse(FieldAddress, "This is not the address of a server.", "Write an address such as "+c.form.AddressHint+", without a user and a password.")
	}
}

func (c *checker) to(s Settings) {
	if s.Kind == Email {
		all := Recipients(s.To)
		if len(all) == 0 || len(all) > 20 || slices.ContainsFunc(all, func(one string) bool { return !isMail(one) }) {
			c.refuse(FieldTo, "These are not the e-mail addresses of recipients.", "Write 1 to 20 addresses with commas between.")
		}
		return
	}
	bad := s.To == "" || len(s.To) > 200 || strings.ContainsAny(s.To, " \t\r\n/?#")
	if bad {
		c.refuse(FieldTo, c.form.To+" is missing, or has spaces or slashes.", "Copy it from the settings of "+c.form.Label+".")
	}
}

func (c *checker) mail(s *Settings, hasSecret bool) {
	if !isMail(s.From) {
		c.refuse(FieldFrom, "This is not an e-mail address.", "Write the sender, such as berth@example.com.")
	}
	switch s.TLS {
	case "":
		s.TLS = StartTLS
	case StartTLS, TLS, NoTLS:
	default:
		c.refuse(FieldTLS, "There is no such encryption.", "Choose starttls, tls or none.")
	}
	switch {
	case s.User != "" && s.TLS == NoTLS:
		c.refuse(FieldTLS, "A password is not sent without encryption.", "Choose STARTTLS or TLS, or remove the user name.")
	case s.User != "" && !hasSecret:
		c.refuse(FieldSecret, "The password is missing.", "Type the password of the user name.")
	}
	if len(s.User) > 200 {
		c.refuse(FieldUser, "This user name is too long.", "Write at most 200 characters.")
	}
}

func (c *checker) secret(key secret.Text, stored bool) {
	text := key.Reveal()
	switch {
	case text == "":
		if !stored && !c.form.SecretOptional {
			c.refuse(FieldSecret, c.form.Secret+" is missing.", "Copy it from the settings of "+c.form.Label+".")
		}
	case len(text) > mostField || strings.ContainsAny(text, "\r\n\t "):
		c.refuse(FieldSecret, c.form.Secret+" has spaces, or is too long.", "Copy it again, without spaces.")
	case c.form.AddressIsSecret && (!IsURL(text) || !strings.HasPrefix(text, "https://")):
		c.refuse(FieldSecret, "This is not a webhook URL.", "Copy the URL that begins with https:// from the settings of "+c.form.Label+".")
	case c.form.Kind == Telegram && strings.ContainsAny(text, "/?#%"):
		c.refuse(FieldSecret, "This is not the token of a bot.", "Copy the token that @BotFather shows.")
	case c.form.Kind == Webhook && len(text) < leastHMAC:
		c.refuse(FieldSecret, "The signing secret is too short.", "Use at least 16 characters, such as the output of openssl rand -hex 32.")
	}
}

// IsURL reports whether text is a URL of the web that holds no password.
func IsURL(text string) bool {
	at, err := url.Parse(text)
	return err == nil && len(text) <= mostField && (at.Scheme == "http" || at.Scheme == "https") && at.Hostname() != "" && at.User == nil && at.Fragment == ""
}

func isMail(text string) bool {
	found, err := mail.ParseAddress(text)
	return err == nil && found.Address == text && len(text) <= 254
}
