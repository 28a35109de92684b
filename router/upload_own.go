package router

import (
	"encoding/json"
	"slices"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

// fieldMounts is a list of mounts, as the API has it, for a new app that has several.
const fieldMounts = "mounts"

// limitFields are the limits that a new app may bring along.
var limitFields = []string{fieldMemory, fieldCPU, fieldProcesses}

// newAppFields are those that only a program sends, for a new app: it has its limits and
// its volumes before it first starts.
var newAppFields = append(slices.Clone(limitFields), fieldMounts)

// parseOwnLimits reads the limits of a new app, where the form sends one. The others are
// those of every app.
func (a *admin) parseOwnLimits(form *upload, into *controller.Upload) error {
	if !slices.ContainsFunc(limitFields, form.has) {
		return nil
	}
	if into.Settings == nil {
		into.Settings = &app.Settings{}
	}
	typed, _ := a.settings.SettingsRange()
	form.text(fieldMemory, &typed.Memory)
	form.text(fieldCPU, &typed.CPU)
	form.text(fieldProcesses, &typed.Processes)
	parsed, err := a.settings.ParseSettings(typed)
	if err != nil {
		return form.problems.add(err)
	}
	own := app.DefaultSettings()
	for field, limit := range map[string][2]*int64{
		fieldMemory: {&own.MemoryBytes, &parsed.MemoryBytes}, fieldCPU: {&own.NanoCPUs, &parsed.NanoCPUs}, fieldProcesses: {&own.Processes, &parsed.Processes},
	} {
		if form.has(field) {
			*limit[0] = *limit[1]
		}
	}
	limited := into.Settings.WithLimits(own)
	into.Settings, into.OwnLimits = &limited, true
	return nil
}

// parseMountList reads the list of mounts.
func parseMountList(text string) ([]app.Mount, error) {
	var wish mountsWish
	if err := json.Unmarshal([]byte(text), &wish.Mounts); err != nil {
		return nil, problem.Invalid(
			"The field mounts holds no list of mounts.", `Write it such as [{"volume": "my-data", "target": "/data"}].`,
		).At(fieldVolume).Because(err)
	}
	return wish.parse()
}
