package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"

	"berth/controller/docker/link"
)

const (
	mostCreate = 256 << 10 // bytes of the description of a container
	mostBody   = 1 << 20
)

// check judges one call: what its object is, and what its body asks for.
type check struct {
	*call
	request *http.Request
	broker  *Broker
	text    []byte // of the body, if the verb has one in JSON
}

// judge refuses the call, or makes it what the engine is sent.
func (b *Broker) judge(r *http.Request) (*call, error) {
	parsed, err := parse(r)
	if err != nil {
		return nil, err
	}
	c := &check{call: parsed, request: r, broker: b}
	switch {
	case parsed.verb.body == jsonBody:
		c.text, err = readBody(r, parsed.verb)
	case parsed.verb.body == noBody && r.ContentLength != 0:
		err = refuse("body", "the call has none")
	case parsed.verb.body == upgraded && r.Header.Get("Upgrade") != "tcp" && r.Header.Get("Upgrade") != "h2c":
		err = refuse("Upgrade", "it is not one that the controller asks for")
	}
	if err == nil && parsed.verb.check != nil {
		err = parsed.verb.check(c)
	}
	return parsed, err
}

func readBody(r *http.Request, v *verb) ([]byte, error) {
	most := int64(mostBody)
	if v.path == "containers/create" {
		most = mostCreate
	}
	if r.ContentLength > most {
		return nil, tooLarge("body")
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, tooSlow("body")
	case err != nil:
		return nil, malformed("body", "it ended too early")
	case int64(len(text)) > most:
		return nil, tooLarge("body")
	}
	return text, nil
}

// decode reads the body as the engine reads it: into the engine's own types, which fold
// the case of keys and merge doubled ones. What is decoded is what is judged and sent.
func (c *check) decode(into any) error {
	if err := decodeOne(c.text, into); err != nil {
		return refuse("body", err.Error())
	}
	c.body = into
	return nil
}

// decodeOne decodes one value with no fields that its type lacks, and nothing after it.
func decodeOne(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errors.New("it is not what the call takes")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its value")
	}
	return nil
}

// ownFilter allows a list of this stack's things only.
func (c *check) ownFilter() error {
	selection, err := filters.FromJSON(c.query.Get("filters"))
	if err != nil {
		return refuse("query filters", "it cannot be read")
	}
	volumes := selection.Get("volume") // whose users are asked for
	foreign := func(name string) bool { return !strings.HasPrefix(name, c.broker.policy.Stack+"-vol-") }
	own := len(volumes) > 0 && c.verb.path == "containers/json" && !slices.ContainsFunc(volumes, foreign)
	if !own && !slices.Contains(selection.Get("label"), link.LabelStack+"="+c.broker.policy.Stack) {
		return refuse("query filters", "it does not select this stack")
	}
	text, err := filters.ToJSON(selection)
	if err != nil {
		return refuse("query filters", "it cannot be written")
	}
	c.query.Set("filters", text)
	return nil
}
