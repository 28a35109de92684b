package store

import (
	"context"

	"berth/controller/app"
	"berth/controller/label"
	"berth/controller/store/sqlite"
)

// UpdateLabels replaces the project and the tags of an app. A release may be under way:
// labels are no part of it.
func (s *Store) UpdateLabels(ctx context.Context, name app.Name, labels label.Labels) error {
	err := s.writer.ExecRow(ctx, `UPDATE apps SET project = ?, tags = ? WHERE name = ? AND wanted <> 'deleted'`,
		labels.Project, namesColumn{&labels.Tags}, name)
	return sqlite.Failure(err, "update labels of %s", name)
}
