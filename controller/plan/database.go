package plan

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// databases are images that start as root, give their data folder to a user of their own,
// and continue as that user. They need the security exception "database".
var databases = []string{
	"postgres", "mysql", "mariadb", "percona", "mongo", "redis", "rabbitmq", "couchdb", "cassandra", "influxdb",
	"neo4j", "arangodb", "rethinkdb", "clickhouse",
	"valkey/valkey", "postgis/postgis", "pgvector/pgvector", "timescale/timescaledb", "redis/redis-stack-server",
	"clickhouse/clickhouse-server", "mysql/mysql-server", "percona/percona-server",
}

// IsDatabase reports whether the waiver Database of the options applies to a service of a
// compose file, by its name and its image.
func (o Options) IsDatabase(service, image string) bool {
	if len(o.DatabaseServices) > 0 {
		return slices.Contains(o.DatabaseServices, service)
	}
	_, known := DatabaseImage(image)
	return known
}

// DatabaseImage returns the plain name of a known database's image, such as postgres. Its
// official form needs the waiver Database.
func DatabaseImage(image string) (name string, known bool) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", false
	}
	path := strings.TrimPrefix(reference.Path(named), "library/")
	if !slices.Contains(databases, path) {
		return "", false
	}
	return path[strings.LastIndexByte(path, '/')+1:], true
}
