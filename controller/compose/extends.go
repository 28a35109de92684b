package compose

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/override"
)

// The bounds on what services extend.
const (
	maxExtended = 100    // services of other files
	maxCopied   = 30_000 // values of all services, with those that they extend; the library takes long for each
)

// extend gives each service of the file the keys of the one that it extends.
func (l *loading) extend(s *source) error {
	services, _ := s.content["services"].(map[string]any)
	extended := make(map[string]any, len(services))
	for _, name := range s.services() {
		written, isMapping := services[name].(map[string]any)
		if !isMapping {
			extended[name] = services[name] // the library says what is wrong
			continue
		}
		service, err := l.resolve(s, name, written, nil)
		if err != nil {
			return err
		}
		extended[name] = service
	}
	s.extended = extended
	return nil
}

// resolve returns a service with all that it extends. chain are the services that led to
// it. It records faults, and returns an error only of the library.
func (l *loading) resolve(s *source, name string, written map[string]any, chain []parent) (map[string]any, error) {
	own, _ := l.copy(written).(map[string]any)
	if l.copied > maxCopied {
		return nil, refuseCopies(append(chain, parent{source: s, service: name})[0])
	}
	extends, found := own["extends"]
	delete(own, "extends")
	if !found {
		return own, nil
	}
	chain = append(chain, parent{source: s, service: name})
	base, known := s.parents[name]
	if !known {
		base = l.parentOf(s, name, extends)
	}
	if slices.Contains(chain, base) {
		l.faults = append(l.faults, refuseCircle(chain, base))
		base = parent{}
	}
	s.parents[name] = base // each fault is found once
	if base.source == nil {
		for _, link := range chain {
			l.removed = append(l.removed, "services."+link.service)
		}
		return own, nil
	}
	from, err := l.service(base)
	if err != nil || from == nil {
		return own, err
	}
	resolved, err := l.resolve(base.source, base.service, from, chain)
	if err != nil {
		return nil, err
	}
	joined, err := override.ExtendService(resolved, own)
	if err != nil {
		return nil, &sourceError{source: s, error: errors.New(strings.ReplaceAll(err.Error(), "services.x", "services."+name))}
	}
	return joined, nil
}

// parentOf reads extends. If anything is wrong with it, it records that and returns none.
func (l *loading) parentOf(s *source, name string, extends any) parent {
	place := "services." + name + ".extends"
	base := parent{source: s}
	switch extends := extends.(type) {
	case string:
		base.service = extends
	case map[string]any:
		base.service, _ = extends["service"].(string)
		if file, found := extends["file"]; found {
			text, _ := file.(string)
			var refusal *Refusal
			if base.source, refusal = l.open(s, "extends", s.writtenFile(name, text), s.line(place+".file")); refusal != nil {
				l.faults = append(l.faults, refusal)
				return parent{}
			}
		}
	}
	if base.source.serviceNode(base.service) == nil {
		l.faults = append(l.faults, &Refusal{
			File: s.path, Line: s.line(place), Hint: "Correct the name, or write the service there.",
			Reason: fmt.Sprintf("The service %.60s cannot extend service %.60q: it is not found%s.", name, base.service, inFile(base.source.path)),
		})
		return parent{}
	}
	return base
}

// writtenFile returns extends.file as the file has it, for a path with a variable is
// refused whatever the variable holds.
func (s *source) writtenFile(service, replaced string) string {
	if extends := s.serviceNode(service).fields["extends"]; extends != nil && extends.isMapping() && extends.fields["file"] != nil {
		return extends.fields["file"].text
	}
	return replaced
}

// service returns a service as its file has it. It checks one of another file, of which
// nothing but the extended services is taken.
func (l *loading) service(p parent) (map[string]any, error) {
	if written := p.source.written(p.service); written != nil || p.source.whole {
		return written, nil
	}
	if l.extended++; l.extended > maxExtended {
		return nil, &Refusal{
			File: p.source.path, Line: p.source.root.fields["services"].lines[p.service],
			Reason: fmt.Sprintf("The app extends more than %d services of other files.", maxExtended), Hint: "Write them into the app's own file.",
		}
	}
	p.source.checker.checkService(p.source.root.fields["services"], p.service)
	if err := p.source.interpolateService(p.service, l.interpolation()); err != nil {
		return nil, err
	}
	return p.source.written(p.service), nil
}

func refuseCopies(of parent) *Refusal {
	return &Refusal{
		File: of.source.path, Line: of.source.line("services." + of.service),
		Reason: "The services of the app hold too much when all that they extend is written out.", Hint: "Extend fewer services, or smaller ones.",
	}
}

func refuseCircle(chain []parent, closing parent) *Refusal {
	last := chain[len(chain)-1]
	var names []string
	for _, link := range append(chain[slices.Index(chain, closing):], closing) {
		names = append(names, link.service+inFile(link.source.path))
	}
	return &Refusal{
		File: last.source.path, Line: last.source.line("services." + last.service + ".extends"),
		Reason: fmt.Sprintf("Circular extends: %.400s.", strings.Join(names, ", then ")), Hint: "Let one of them extend nothing.",
	}
}

func inFile(path string) string {
	if path == "" {
		return ""
	}
	return fmt.Sprintf(" in %.120s", path)
}

// copy returns a value that shares nothing with the given one, and counts its parts.
func (l *loading) copy(value any) any {
	l.copied++
	switch value := value.(type) {
	case map[string]any:
		mapping := make(map[string]any, len(value))
		for key, field := range value {
			mapping[key] = l.copy(field)
		}
		return mapping
	case []any:
		list := make([]any, len(value))
		for i, item := range value {
			list[i] = l.copy(item)
		}
		return list
	default:
		return value
	}
}
