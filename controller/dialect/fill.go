package dialect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"berth/controller/problem"
)

// maxAnswer bounds the bytes of one answer.
const maxAnswer = 4096

// Filled is a form with all of its values.
type Filled struct {
	Variables []FilledVariable
	Files     []FilledFile
	Routes    []FilledRoute
}

// FilledVariable is a variable of the app with its value.
type FilledVariable struct {
	Name, Value string
	Secret      bool
}

// FilledFile is a file with its content. It can hold secrets.
type FilledFile struct {
	Path, Content string
}

// FilledRoute is a route with its host, which can be empty. The host comes from a stranger
// where no person answered it: it is not checked here.
type FilledRoute struct {
	Service string
	Port    uint16
	Path    string
	Host    string
}

// Fill gives each Blank its answer, or a new value where it has none, and puts the values
// into variables, files and routes. Each Blank has one value in all places. The error is a
// *problem.Refusal, or several joined: a Blank of KindHost without an answer, an answer to no Blank.
func (f *Form) Fill(answers map[string]string) (Filled, error) {
	values, err := f.values(answers)
	if err != nil {
		return Filled{}, err
	}
	var filled Filled
	for _, variable := range f.Variables {
		filled.Variables = append(filled.Variables, FilledVariable{Name: variable.Name, Value: values.text(variable.Value), Secret: variable.Secret})
	}
	for _, file := range f.Files {
		filled.Files = append(filled.Files, FilledFile{Path: file.Path, Content: values.text(file.Content)})
	}
	for _, route := range f.Routes {
		filled.Routes = append(filled.Routes, FilledRoute{Service: route.Service, Port: route.Port, Path: route.Path, Host: values.text(route.Host)})
	}
	return filled, nil
}

// values are the values of Blanks by name.
type values map[string]string

func (v values) text(t Text) string {
	var whole strings.Builder
	for _, part := range t {
		whole.WriteString(part.Literal)
		whole.WriteString(v[part.Blank]) // no blank has an empty name
	}
	return whole.String()
}

func (f *Form) values(answers map[string]string) (values, error) {
	faults := &faults{}
	for name, answer := range answers {
		if _, found := f.Blank(name); !found {
			faults.refuse("", 0, fmt.Sprintf("The template asks for no value %.60q.", name), "Leave it out.")
		}
		if len(answer) > maxAnswer || strings.ContainsRune(answer, 0) {
			faults.refuse("", 0, fmt.Sprintf("The value of %.60q cannot be used.", name), fmt.Sprintf("Use at most %d bytes, and no zero byte.", maxAnswer))
		}
	}
	made := make(values)
	// A token comes after what it is made of: a Blank is added after those of its Key and Payload.
	for _, blank := range f.Blanks {
		value, answered := answers[blank.Name]
		if !answered {
			var err error
			value, err = made.generate(blank)
			faults.add(err)
		}
		made[blank.Name] = value
	}
	return made, faults.err()
}

func (v values) generate(b Blank) (string, error) {
	switch b.Generator.Kind {
	case KindHost:
		return "", &problem.Refusal{
			Reason: fmt.Sprintf("The template needs a host for %.60q.", b.Name),
			Hint:   "Give the app's own host, such as app.example.com.",
		}
	case KindToken:
		return v.sign(b)
	default:
		return b.Generator.Generate()
	}
}

// sign makes a JSON Web Token. A payload without an issuer, a time or an end gets them, as
// in the dialects: the end is ten years from now.
func (v values) sign(b Blank) (string, error) {
	payload := map[string]any{}
	if text := strings.TrimSpace(v.text(b.Payload)); text != "" {
		if err := json.Unmarshal([]byte(text), &payload); err != nil || payload == nil {
			return "", &problem.Refusal{
				Reason: fmt.Sprintf("The payload of the token %.60q is no JSON object.", b.Name),
				Hint:   "Correct the payload in the template.",
			}
		}
	}
	now := time.Now()
	for name, value := range map[string]any{"iss": "berth", "iat": now.Unix(), "exp": now.AddDate(10, 0, 0).Unix()} {
		if payload[name] == nil {
			payload[name] = value
		}
	}
	encoded, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("encode payload of token %s: %w", b.Name, err)
	}
	key := v.text(b.Key)
	if key == "" {
		key = hex.EncodeToString(randomBytes(32))
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(encoded)
	code := hmac.New(sha256.New, []byte(key))
	code.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(code.Sum(nil)), nil
}
