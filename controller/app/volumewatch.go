package app

import (
	"slices"

	"berth/controller/volume"
)

// Writers returns the running services that write, by volume.
func (a App) Writers(live Release) map[volume.Name][]string {
	writers := make(map[volume.Name][]string)
	for _, run := range live.Runs() {
		if a.Halts(run) != nil {
			continue
		}
		for _, name := range run.Watched(live) {
			if !slices.Contains(writers[name], run.Spec.Name) {
				writers[name] = append(writers[name], run.Spec.Name)
			}
		}
	}
	return writers
}
