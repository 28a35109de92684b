package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/store/sqlite"
)

// UpdateServices records how the services of a release run, with the image and the
// address of the main one, the digest of an image that was asked for, and the names of
// all instances.
func (s *Store) UpdateServices(ctx context.Context, release app.Release) error {
	err := s.writer.ExecRow(ctx, `
UPDATE releases SET services = ?, image = ?, image_digest = ?, instances = ?, address = ?, addresses = ? WHERE app = ? AND number = ?`,
		servicesColumn{&release.Services}, release.Image, release.Digest, namesColumn{&release.Instances}, release.Address,
		addressesColumn{&release.Addresses}, release.App, release.Number)
	if err != nil {
		return fmt.Errorf("update services of %s: %w", release.ReleaseID, err)
	}
	return nil
}

// servicesColumn stores services as a JSON array; an empty one is read as nil.
type servicesColumn struct{ services *[]app.ServiceRun }

// storedService is one element of the array. Spec has the fields of plan.Service:
// one that is renamed there needs a migration here.
type storedService struct {
	Spec      plan.Service `json:"spec"`
	Main      bool         `json:"main,omitempty"`
	Sole      bool         `json:"sole,omitempty"`
	Image     string       `json:"image,omitempty"`
	Instances []string     `json:"instances,omitempty"`
	KeptFrom  int64        `json:"kept_from,omitempty"`
}

// Value returns the array.
func (c servicesColumn) Value() (driver.Value, error) {
	elements := make([]storedService, 0, len(*c.services))
	for _, service := range *c.services {
		service.Spec.Build = plan.Build{}
		elements = append(elements, storedService(service))
	}
	text, err := json.Marshal(elements)
	return string(text), err
}

// Scan sets the services.
func (c servicesColumn) Scan(value any) error {
	*c.services = nil
	if value == "[]" {
		return nil
	}
	var elements []storedService
	if err := sqlite.ScanJSON(value, &elements); err != nil {
		return fmt.Errorf("read services: %w", err)
	}
	for _, element := range elements {
		*c.services = append(*c.services, app.ServiceRun(element))
	}
	return nil
}
