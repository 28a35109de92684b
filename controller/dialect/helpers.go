package dialect

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// sized are Dokploy's generators that take a length, with the one they have without it.
var sized = map[string]Generator{
	"password": {KindPassword, 16},
	"base64":   {KindBase64, 32},
	"hash":     {KindHex, 8},
}

// unsized are Dokploy's generators without a length.
var unsized = map[string]Generator{
	"uuid":        {Kind: KindUUID},
	"username":    {Kind: KindUserName, Length: userNameLength},
	"email":       {Kind: KindEmail},
	"randomPort":  {Kind: KindPort},
	"timestamp":   {Kind: KindMillis},
	"timestampms": {Kind: KindMillis},
	"timestamps":  {Kind: KindSeconds},
}

// generator is the text of one of Dokploy's generators.
func (e *expander) generator(word string, at place) (text Text, known bool) {
	name, argument, given := strings.Cut(word, ":")
	if argument != "" && strings.ContainsAny(argument[:1], "-?+") {
		return nil, false // a default as compose writes it
	}
	if generator, found := sized[name]; found {
		if given && !e.length(&generator, argument, at) {
			return nil, true
		}
		return e.form.blank(at.label, Blank{Generator: generator}), true
	}
	switch generator, found := unsized[name]; {
	case found && !given:
		return e.form.blank(at.label, Blank{Generator: generator}), true
	case name == "timestamps" || name == "timestampms":
		return e.timestamp(name, argument, at), true
	case name == "domain" && !given:
		return e.host(at), true
	case name == "jwt":
		return e.token(argument, at), true
	default:
		return nil, false
	}
}

func (e *expander) length(g *Generator, argument string, at place) bool {
	length, err := strconv.Atoi(argument)
	if err != nil || length < 1 || length > MaxLength {
		e.refuse(at, fmt.Sprintf("%.40q is no length of a generated value.", argument), fmt.Sprintf("Write a number from 1 to %d.", MaxLength))
		return false
	}
	g.Length = length
	return true
}

func (e *expander) timestamp(name, date string, at place) Text {
	moment, err := time.Parse(time.RFC3339, date)
	if err != nil {
		e.refuse(at, fmt.Sprintf("%.40q is no time.", date), "Write it such as 2030-01-01T00:00:00Z.")
		return nil
	}
	if name == "timestampms" {
		return literal(strconv.FormatInt(moment.UnixMilli(), 10))
	}
	return literal(strconv.FormatInt(moment.Unix(), 10))
}

// host is the app's host. A variable of [variables] can be one of several hosts; anywhere
// else it is the same.
func (e *expander) host(at place) Text {
	if at.of != nil && e.variables[at.of.name] == at.of {
		return e.form.blank(at.label, Blank{Generator: Generator{Kind: KindHost}})
	}
	return e.form.shared(Blank{Name: "domain", Generator: Generator{Kind: KindHost}})
}

// token is ${jwt}, ${jwt:LENGTH}, which is a random text, or ${jwt:SECRET:PAYLOAD} with the
// names of two variables. A secret that is no variable is the secret itself.
func (e *expander) token(argument string, at place) Text {
	secret, payload, _ := strings.Cut(argument, ":")
	if length, err := strconv.Atoi(argument); err == nil {
		generator := Generator{Kind: KindHex}
		if !e.length(&generator, strconv.Itoa(2*length), at) {
			return nil
		}
		return e.form.blank(at.label, Blank{Generator: generator})
	}
	blank := Blank{Generator: Generator{Kind: KindToken}, Key: literal(secret)}
	switch variable := e.variables[secret]; variable {
	case nil:
	case at.of:
		blank.Key = nil // it cannot sign itself: a random key does
	default:
		blank.Key = e.entry(variable, at)
	}
	if payload != "" {
		variable := e.variables[payload]
		if variable == nil {
			e.refuse(at, fmt.Sprintf("The template has no variable %.60q for the payload of a token.", payload), "Add it under [variables], as a JSON object.")
			return nil
		}
		blank.Payload = e.entry(variable, at)
	}
	return e.form.blank(at.label, blank)
}
