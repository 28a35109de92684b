package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"berth/controller/app"
	"berth/controller/store/sqlite"
	"berth/traefik"
)

// UpdateAccess replaces the access of an app, also while a release is under way.
func (s *Store) UpdateAccess(ctx context.Context, name app.Name, access traefik.Access) error {
	err := s.writer.ExecRow(ctx, `UPDATE apps SET access = ? WHERE name = ? AND wanted <> 'deleted'`, accessColumn{&access}, name)
	return sqlite.Failure(err, "update access of %s", name)
}

// accessColumn stores an Access as a JSON object; the zero one is {}.
type accessColumn struct{ access *traefik.Access }

// storedAccess is the object.
type storedAccess struct {
	Password     bool              `json:"password,omitempty"`
	Users        []storedUser      `json:"users,omitempty"`
	Allow        []netip.Prefix    `json:"allow,omitempty"`
	Rate         storedRate        `json:"rate,omitzero"`
	MaxBodyBytes int64             `json:"max_body_bytes,omitempty"`
	Headers      storedHeaders     `json:"headers,omitzero"`
	Maintenance  storedMaintenance `json:"maintenance,omitzero"`

	NoSlashRedirect bool                 `json:"no_slash_redirect,omitempty"`
	EncodedPaths    traefik.EncodedPaths `json:"encoded_paths,omitempty"`
}

type storedUser struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

type storedRate struct {
	Requests int64         `json:"requests"`
	Period   time.Duration `json:"period"` // nanoseconds
	Burst    int64         `json:"burst"`
}

type storedHeaders struct {
	FrameOptions          string `json:"frame_options,omitempty"`
	ReferrerPolicy        string `json:"referrer_policy,omitempty"`
	PermissionsPolicy     string `json:"permissions_policy,omitempty"`
	ContentSecurityPolicy string `json:"content_security_policy,omitempty"`
	NoSniff               bool   `json:"no_sniff,omitempty"`
}

type storedMaintenance struct {
	On   bool   `json:"on,omitempty"`
	Text string `json:"text,omitempty"`
}

// Value returns the object.
func (c accessColumn) Value() (driver.Value, error) {
	access := c.access.Canonical()
	stored := storedAccess{
		Password: access.Password, Allow: access.Allow, Rate: storedRate(access.Rate), MaxBodyBytes: access.MaxBodyBytes,
		Headers: storedHeaders(access.Headers), Maintenance: storedMaintenance(access.Maintenance),
		NoSlashRedirect: access.NoSlashRedirect, EncodedPaths: access.EncodedPaths,
	}
	for _, user := range access.Users {
		stored.Users = append(stored.Users, storedUser(user))
	}
	text, err := json.Marshal(stored)
	return string(text), err
}

// Scan sets the access.
func (c accessColumn) Scan(value any) error {
	*c.access = traefik.Access{}
	if value == "{}" {
		return nil
	}
	var stored storedAccess
	if err := sqlite.ScanJSON(value, &stored); err != nil {
		return fmt.Errorf("read access: %w", err)
	}
	*c.access = traefik.Access{
		Password: stored.Password, Allow: stored.Allow, Rate: traefik.Rate(stored.Rate), MaxBodyBytes: stored.MaxBodyBytes,
		Headers: traefik.ResponseHeaders(stored.Headers), Maintenance: traefik.Maintenance(stored.Maintenance),
		NoSlashRedirect: stored.NoSlashRedirect, EncodedPaths: stored.EncodedPaths,
	}
	for _, user := range stored.Users {
		c.access.Users = append(c.access.Users, traefik.User(user))
	}
	return nil
}
