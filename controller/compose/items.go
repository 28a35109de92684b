package compose

import (
	"fmt"

	"github.com/compose-spec/compose-go/v2/format"
)

// itemKeys are the lists of a service whose items have places of their own.
var itemKeys = map[string]func(item any) string{
	"volumes": volumeTarget, "env_file": envFilePath, "configs": mountedAt, "secrets": mountedAt,
}

// item is an item of a list, and what makes it the same as another one.
type item struct {
	identity string
	at       position
}

// items returns the place of each item, in the order in which the library joins the lists
// of all files and of extended services.
func (l *loading) items() map[string][]position {
	places := map[string][]position{}
	for _, name := range l.services() {
		for key, identify := range itemKeys {
			var joined []item
			for _, s := range l.order {
				joined = append(joined, s.itemsOf(name, key, identify, 0)...)
			}
			if len(joined) > 0 {
				places[join(name, key)] = unique(joined)
			}
		}
	}
	return places
}

// itemsOf returns the items of a service's list, those of the extended service first.
func (s *source) itemsOf(name, key string, identify func(any) string, depth int) []item {
	var all []item
	if above, found := s.parents[name]; found && above.source != nil && depth < maxExtended+maxServices {
		all = above.source.itemsOf(above.service, key, identify, depth+1)
	}
	place := join(join("services", name), key)
	switch own := s.written(name)[key].(type) {
	case []any:
		for i, value := range own {
			at := position{file: s.path, line: s.line(join(place, fmt.Sprint(i)))}
			all = append(all, item{identity: identify(value), at: at})
		}
	case string:
		all = append(all, item{identity: identify(own), at: position{file: s.path, line: s.line(place)}})
	}
	return all
}

// unique keeps the last of the items that are the same, at the place of the first.
func unique(items []item) []position {
	var places []position
	known := map[string]int{}
	for _, item := range items {
		if at, found := known[item.identity]; found {
			places[at] = item.at
			continue
		}
		known[item.identity] = len(places)
		places = append(places, item.at)
	}
	return places
}

func volumeTarget(item any) string {
	switch item := item.(type) {
	case string:
		if volume, err := format.ParseVolume(item); err == nil {
			return volume.Target
		}
		return item
	case map[string]any:
		return fmt.Sprint(item["target"])
	default:
		return fmt.Sprint(item)
	}
}

func envFilePath(item any) string {
	if fields, ok := item.(map[string]any); ok {
		return fmt.Sprint(fields["path"])
	}
	return fmt.Sprint(item)
}

func mountedAt(item any) string {
	fields, ok := item.(map[string]any)
	switch {
	case !ok:
		return "/" + fmt.Sprint(item)
	case fields["target"] != nil:
		return fmt.Sprint(fields["target"])
	default:
		return "/" + fmt.Sprint(fields["source"])
	}
}
