package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/store/sqlite"
	"berth/controller/volume"
	"berth/controller/volumes"
)

// FindVolumeRecord returns what is kept of a volume; the zero record where nothing is.
func (s *Store) FindVolumeRecord(ctx context.Context, name volume.Name) (record volumes.Record, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT quota, fitted, warned_at FROM volumes WHERE name = ?`, name).
		Scan(&record.Quota, &record.Fitted, sqlite.TimeInto(&record.WarnedAt))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return record, fmt.Errorf("find volume %s: %w", name, err)
	}
	return record, nil
}

// ListVolumeRecords returns what is kept of volumes, by name.
func (s *Store) ListVolumeRecords(ctx context.Context) (map[volume.Name]volumes.Record, error) {
	type stored struct {
		name   volume.Name
		record volumes.Record
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT name, quota, fitted, warned_at FROM volumes`)
	all, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (one stored, err error) {
		err = columns.Scan(&one.name, &one.record.Quota, &one.record.Fitted, sqlite.TimeInto(&one.record.WarnedAt))
		return one, err
	})
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	records := make(map[volume.Name]volumes.Record, len(all))
	for _, one := range all {
		records[one.name] = one.record
	}
	return records, nil
}

// UpdateVolumeQuota keeps the quota that an operator chose; 0 is the setting's.
func (s *Store) UpdateVolumeQuota(ctx context.Context, name volume.Name, bytes int64) error {
	return s.updateVolume(ctx, name, `
INSERT INTO volumes (name, quota) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET quota = excluded.quota`, bytes)
}

// NoteVolumeFits keeps that the volume was seen within a quota, and ends its warning.
func (s *Store) NoteVolumeFits(ctx context.Context, name volume.Name, quota int64) error {
	return s.updateVolume(ctx, name, `
INSERT INTO volumes (name, fitted) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET fitted = excluded.fitted, warned_at = NULL`, quota)
}

// NoteVolumeWarned keeps since when a person is warned of the volume.
func (s *Store) NoteVolumeWarned(ctx context.Context, name volume.Name, at time.Time) error {
	return s.updateVolume(ctx, name, `
INSERT INTO volumes (name, warned_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET warned_at = excluded.warned_at`, sqlite.Micros(at))
}

func (s *Store) updateVolume(ctx context.Context, name volume.Name, statement string, value any) error {
	_, err := s.writer.ExecContext(ctx, statement, name, value)
	return sqlite.Failure(err, "update volume %s", name)
}

// DeleteVolumeRecord forgets a volume.
func (s *Store) DeleteVolumeRecord(ctx context.Context, name volume.Name) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM volumes WHERE name = ?`, name)
	return sqlite.Failure(err, "forget volume %s", name)
}

// VolumeQuotasSince returns since when this ledger knows of quotas.
func (s *Store) VolumeQuotasSince(ctx context.Context) (at time.Time, err error) {
	if err = s.reader.QueryRowContext(ctx, `SELECT at FROM volume_quotas_since`).Scan(sqlite.TimeInto(&at)); err != nil {
		return at, fmt.Errorf("find since when there are quotas: %w", err)
	}
	return at, nil
}

// UpdateHalted replaces the services of an app that Berth has stopped.
func (s *Store) UpdateHalted(ctx context.Context, name app.Name, halted []app.HaltedService) error {
	err := s.writer.ExecRow(ctx, `UPDATE apps SET halted = ? WHERE name = ?`, haltedColumn{&halted}, name)
	return sqlite.Failure(err, "update stopped services of %s", name)
}

// haltedColumn stores stopped services as a JSON array; an empty one is read as nil.
type haltedColumn struct{ halted *[]app.HaltedService }

// storedHalted is one element of the array.
type storedHalted struct {
	Service string      `json:"service"`
	Main    bool        `json:"main"` // selectTable reads it
	Volume  volume.Name `json:"volume"`
	Reason  string      `json:"reason"`
}

// Value returns the array.
func (c haltedColumn) Value() (driver.Value, error) {
	elements := make([]storedHalted, 0, len(*c.halted))
	for _, halted := range *c.halted {
		elements = append(elements, storedHalted(halted))
	}
	text, err := json.Marshal(elements)
	return string(text), err
}

// Scan sets the services.
func (c haltedColumn) Scan(value any) error {
	*c.halted = nil
	if value == "[]" {
		return nil
	}
	var elements []storedHalted
	if err := sqlite.ScanJSON(value, &elements); err != nil {
		return fmt.Errorf("read stopped services: %w", err)
	}
	for _, element := range elements {
		*c.halted = append(*c.halted, app.HaltedService(element))
	}
	return nil
}
