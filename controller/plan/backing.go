package plan

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// backingImages are the last parts of the names of images that other services of an app
// lean on: databases, caches, queues, search engines, mail servers and helpers. None of
// them gets the route without a person's word.
var backingImages = strings.Fields(`
	postgres postgresql postgis pgvector pgvecto-rs vectorchord timescaledb timescaledb-ha mysql mysql-server mariadb
	percona percona-server mongo mongodb ferretdb couchdb couchbase cassandra scylla cockroach neo4j arangodb
	rethinkdb surrealdb dgraph oracle-xe firebird
	redis redis-stack redis-stack-server redis-sentinel valkey keydb dragonfly memcached etcd consul zookeeper
	rabbitmq activemq kafka nats nats-server redpanda emqx nsqd beanstalkd gearmand
	elasticsearch opensearch solr meilisearch typesense manticore sonic qdrant weaviate chroma milvus tika gotenberg
	minio garage influxdb clickhouse clickhouse-server questdb victoria-metrics
	pgbouncer pgpool maxscale docker-socket-proxy socket-proxy watchtower autoheal
	postfix exim exim-relay opendkim clamav rspamd spamassassin coturn
	postgres-backup-local postgres-backup-s3 mysql-backup`)

// IsBacking reports whether an image is known to back other services, such as a database.
func IsBacking(image string) bool {
	if _, known := DatabaseImage(image); known {
		return true
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return false
	}
	parts := strings.Split(strings.ToLower(reference.Path(named)), "/")
	last := parts[len(parts)-1]
	isServer := last == "server" && len(parts) > 1 // such as mcr.microsoft.com/mssql/server
	if isServer {
		last = parts[len(parts)-2]
	}
	return slices.Contains(backingImages, last) || strings.HasPrefix(last, "eclipse-mosq") || isServer && last == "mssql"
}
