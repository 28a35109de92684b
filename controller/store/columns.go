package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/egress"
	"berth/controller/plan"
	"berth/controller/store/sqlite"
	"berth/controller/volume"
)

// stepsColumn stores steps as a JSON array, in the form that enter appends to.
type stepsColumn struct{ steps *[]app.Step }

// storedStep is one element of the array.
type storedStep struct {
	State app.ReleaseState `json:"state"`
	At    int64            `json:"at"` // microseconds
}

// Value returns the array.
func (c stepsColumn) Value() (driver.Value, error) {
	elements := make([]storedStep, 0, len(*c.steps))
	for _, step := range *c.steps {
		elements = append(elements, storedStep{State: step.State, At: step.At.UnixMicro()})
	}
	text, err := json.Marshal(elements)
	return string(text), err
}

// Scan sets the steps.
func (c stepsColumn) Scan(value any) error {
	var elements []storedStep
	if err := sqlite.ScanJSON(value, &elements); err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	*c.steps = make([]app.Step, 0, len(elements))
	for _, element := range elements {
		*c.steps = append(*c.steps, app.Step{State: element.State, At: time.UnixMicro(element.At).UTC()})
	}
	return nil
}

// namesColumn stores names as a JSON array; an empty one is read as nil.
type namesColumn struct{ names *[]string }

// Value returns the array.
func (c namesColumn) Value() (driver.Value, error) {
	if len(*c.names) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(*c.names)
	return string(text), err
}

// Scan sets the names.
func (c namesColumn) Scan(value any) error {
	*c.names = nil
	if value == "[]" {
		return nil
	}
	return sqlite.Failure(sqlite.ScanJSON(value, c.names), "read names")
}

// objectColumn stores a value as a JSON object; an empty one is read as the zero value.
type objectColumn[T any] struct{ to *T }

// The columns of this form: choices, where an app may connect to, and addresses by name.
type (
	egressColumn    = objectColumn[egress.Egress]
	choicesColumn   = objectColumn[app.Choices]
	addressesColumn = objectColumn[map[string]string]
)

// Value returns the object.
func (c objectColumn[T]) Value() (driver.Value, error) {
	text, err := json.Marshal(*c.to)
	if string(text) == "null" {
		return "{}", err
	}
	return string(text), err
}

// Scan sets the value.
func (c objectColumn[T]) Scan(value any) error {
	*c.to = *new(T)
	if value == "{}" {
		return nil
	}
	return sqlite.ScanJSON(value, c.to)
}

// readinessColumn stores a readiness as a JSON object.
type readinessColumn struct{ readiness *app.Readiness }

// Value returns the object.
func (c readinessColumn) Value() (driver.Value, error) {
	text, err := json.Marshal(*c.readiness)
	return string(text), err
}

// Scan sets the readiness.
func (c readinessColumn) Scan(value any) error {
	*c.readiness = app.Readiness{}
	if value == "{}" {
		return nil
	}
	return sqlite.ScanJSON(value, c.readiness)
}

// mountsColumn stores mounts as a JSON array; an empty one is read as nil.
type mountsColumn struct{ mounts *[]app.Mount }

// storedMount is one element of the array.
type storedMount struct {
	Volume   volume.Name      `json:"volume"`
	Target   plan.MountTarget `json:"target"`
	ReadOnly bool             `json:"read_only,omitempty"`
}

// Value returns the array.
func (c mountsColumn) Value() (driver.Value, error) {
	elements := make([]storedMount, 0, len(*c.mounts))
	for _, mount := range *c.mounts {
		elements = append(elements, storedMount(mount))
	}
	text, err := json.Marshal(elements)
	return string(text), err
}

// Scan sets the mounts.
func (c mountsColumn) Scan(value any) error {
	*c.mounts = nil
	if value == "[]" {
		return nil
	}
	var elements []storedMount
	if err := sqlite.ScanJSON(value, &elements); err != nil {
		return fmt.Errorf("read mounts: %w", err)
	}
	for _, element := range elements {
		*c.mounts = append(*c.mounts, app.Mount(element))
	}
	return nil
}
