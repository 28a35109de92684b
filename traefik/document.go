package traefik

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"
)

const fileHeader = "# Written by Berth. Changes are overwritten.\n"

// ErrTemplate refuses a configuration that holds "{{": the proxy runs every file as a
// template that can read its environment.
var ErrTemplate = errors.New("the configuration holds {{, which the proxy would run as a template")

// document writes configurations as files. It stores the text of every part from one file
// to the next. So with 1,000 apps, a change of one costs a hundredth of the whole file.
type document struct {
	pieces map[string]piece // by section and name
}

// piece is the text of one router, service or middleware.
type piece struct {
	value any // what text decodes to
	text  []byte
}

// encode returns the file of configuration; equal configurations give the same bytes. It
// checks that each part reads back unchanged, because one bad file would stop the proxy
// from reading any.
func (d *document) encode(configuration *Configuration) ([]byte, error) {
	var file bytes.Buffer
	file.WriteString(fileHeader)
	if *configuration == (Configuration{}) {
		file.WriteString("{}\n")
		return file.Bytes(), nil
	}
	next := document{pieces: make(map[string]piece, len(d.pieces))}
	if http := configuration.HTTP; http != nil {
		file.WriteString("http:\n")
		err := errors.Join(
			writeSection(&file, "routers", http.Routers, d, &next),
			writeSection(&file, "services", http.Services, d, &next),
			writeSection(&file, "middlewares", http.Middlewares, d, &next),
		)
		if err != nil {
			return nil, err
		}
	}
	if err := writeTLS(&file, configuration.TLS); err != nil {
		return nil, err
	}
	if err := errors.Join(writeStreams(&file, "tcp", configuration.TCP), writeStreams(&file, "udp", configuration.UDP)); err != nil {
		return nil, err
	}
	if bytes.Contains(file.Bytes(), []byte("{{")) {
		return nil, ErrTemplate
	}
	d.pieces = next.pieces
	return file.Bytes(), nil
}

func writeSection[V any](file *bytes.Buffer, section string, values map[string]V, last, next *document) error {
	if len(values) == 0 {
		return nil
	}
	fmt.Fprintf(file, "  %s:\n", section)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key := section + "/" + name
		part, known := last.pieces[key]
		if !known || !reflect.DeepEqual(part.value, values[name]) {
			fresh, err := encodePiece(name, values[name])
			if err != nil {
				return fmt.Errorf("encode %s %s: %w", section, name, err)
			}
			part = fresh
		}
		next.pieces[key] = part
		file.Write(part.text)
	}
	return nil
}

// writeTLS writes the whole section: there are few own certificates.
func writeTLS(file *bytes.Buffer, section *TLS) error {
	if section == nil {
		return nil
	}
	part, err := encodePiece("certificates", section.Certificates)
	if err != nil {
		return fmt.Errorf("encode certificates: %w", err)
	}
	file.WriteString("tls:\n")
	for line := range bytes.Lines(part.text) {
		file.Write(bytes.TrimPrefix(line, []byte("  "))) // one level less deep than the other sections
	}
	return nil
}

// writeStreams writes a whole section: there are few public ports.
func writeStreams[V any](file *bytes.Buffer, name string, section *V) error {
	if section == nil {
		return nil
	}
	part, err := encodePiece(name, section)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	for line := range bytes.Lines(part.text) {
		file.Write(bytes.TrimPrefix(line, []byte("    ")))
	}
	return nil
}

func encodePiece[V any](name string, value V) (piece, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]V{name: value}); err != nil {
		return piece{}, err
	}
	var decoded map[string]V
	if err := decodeStrictly(text.Bytes(), &decoded); err != nil {
		return piece{}, err
	}
	if len(decoded) != 1 || !reflect.DeepEqual(decoded[name], value) {
		return piece{}, errors.New("the text does not read back as it was meant")
	}
	// A copy, because the caller may change its own.
	return piece{value: decoded[name], text: indent(text.Bytes())}, nil
}

// indent moves lines below the section's heading.
func indent(text []byte) []byte {
	var moved bytes.Buffer
	for line := range bytes.Lines(text) {
		moved.WriteString("    ")
		moved.Write(line)
	}
	return moved.Bytes()
}

// decodeStrictly refuses keys that the type lacks.
func decodeStrictly(text []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}
