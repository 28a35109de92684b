package hook

import (
	"path"
	"slices"
	"strings"

	"berth/controller/app"
)

// Offer is a hook that fits a service of a known image.
type Offer struct {
	Hook
	Database string // such as PostgreSQL
}

// preset is how the images of one database write a dump. The images' own shell reads the
// script: it gets the folder of the dump as $1, and knows the password as the image does.
type preset struct {
	images   []string
	database string
	file     string
	script   string
}

var presets = []preset{
	{
		images: []string{"postgres", "postgis", "pgvector", "timescaledb"}, database: "PostgreSQL", file: "berth-dump.sql",
		script: `PGPASSWORD="${POSTGRES_PASSWORD:-$(cat "$POSTGRES_PASSWORD_FILE")}"; export PGPASSWORD; exec pg_dumpall --clean --host "$BERTH_HOST" --username "${POSTGRES_USER:-postgres}" --file "$1"`,
	},
	{
		images: []string{"mysql"}, database: "MySQL", file: "berth-dump.sql",
		script: `MYSQL_PWD="${MYSQL_ROOT_PASSWORD:-$(cat "$MYSQL_ROOT_PASSWORD_FILE")}"; export MYSQL_PWD; exec mysqldump --host "$BERTH_HOST" --user root --all-databases --single-transaction --result-file="$1"`,
	},
	{
		images: []string{"mariadb"}, database: "MariaDB", file: "berth-dump.sql",
		script: `MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-$(cat "${MARIADB_ROOT_PASSWORD_FILE:-$MYSQL_ROOT_PASSWORD_FILE}")}}"; export MYSQL_PWD; exec mariadb-dump --host "$BERTH_HOST" --user root --all-databases --single-transaction --result-file="$1"`,
	},
	{
		images: []string{"mongo"}, database: "MongoDB", file: "berth-dump.archive",
		script: `file="$1"; set -- --host "$BERTH_HOST" --archive="$file"; [ -z "$MONGO_INITDB_ROOT_USERNAME" ] || set -- "$@" --username "$MONGO_INITDB_ROOT_USERNAME" --password "$MONGO_INITDB_ROOT_PASSWORD" --authenticationDatabase admin; exec mongodump "$@"`,
	},
	{
		images: []string{"redis", "valkey"}, database: "Redis", file: "berth-dump.rdb",
		script: `[ -z "$REDIS_PASSWORD" ] || { REDISCLI_AUTH="$REDIS_PASSWORD"; export REDISCLI_AUTH; }; exec redis-cli -h "$BERTH_HOST" --rdb "$1"`,
	},
}

// Offers returns the hooks for the services of a release that run a known image and write
// into a volume.
func Offers(live app.Release) []Offer {
	var offers []Offer
	for _, run := range live.Services {
		folder := written(live, run)
		known := presetOf(imageOf(live, run))
		if known == nil || folder == "" {
			continue
		}
		file := path.Join(folder, known.file)
		offers = append(offers, Offer{
			Database: known.database,
			Hook: Hook{
				App: live.App, Service: run.Spec.Name,
				Before: []string{"sh", "-c", known.script, "berth", file}, After: []string{"rm", "-f", file},
			},
		})
	}
	return offers
}

func presetOf(reference string) *preset {
	name, _, _ := strings.Cut(path.Base(reference), "@")
	name, _, _ = strings.Cut(name, ":")
	at := slices.IndexFunc(presets, func(p preset) bool { return slices.Contains(p.images, name) })
	if at < 0 {
		return nil
	}
	return &presets[at]
}

func imageOf(live app.Release, run app.ServiceRun) string {
	if run.Spec.Image != "" {
		return run.Spec.Image
	}
	return string(live.Reference)
}

// written is the first folder that is a volume which the service writes into; empty
// where there is none.
func written(live app.Release, run app.ServiceRun) string {
	for _, mount := range run.Spec.Mounts {
		if !mount.ReadOnly {
			return mount.Target
		}
	}
	for _, mount := range run.Mounts(live) {
		if !mount.ReadOnly {
			return string(mount.Target)
		}
	}
	return ""
}
