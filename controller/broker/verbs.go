package broker

import (
	"regexp"
	"strings"
)

// verb is one call of the engine's API that the controller makes.
type verb struct {
	method      string
	path        string // "containers/{}/start": {} is one name or ID
	manyParts   bool   // the name is a reference of an image, which may hold slashes
	unversioned bool   // it is asked without a version of the API too
	query       map[string]param
	body        bodyKind
	check       func(*check) error // nil allows it as it is
}

// param is a parameter of a query.
type param struct {
	pattern *regexp.Regexp // nil takes every value
	several bool
}

// bodyKind says what a verb sends.
type bodyKind uint8

const (
	noBody   bodyKind = iota
	jsonBody          // read whole and decoded by the verb's check
	streamed          // a tar, passed on as it comes
	upgraded          // the connection itself, in both directions, after the engine agrees
)

var (
	anything = param{}
	one      = param{pattern: regexp.MustCompile(`^1$`)}
	number   = param{pattern: regexp.MustCompile(`^[0-9]{1,6}$`)}
	// keptBytes is how much of the build cache stays.
	keptBytes = param{pattern: regexp.MustCompile(`^[1-9][0-9]{0,14}$`)}
	empty     = param{pattern: regexp.MustCompile(`^$`)}
	moment    = param{pattern: regexp.MustCompile(`^[0-9A-Za-z:.+-]*$`)}
)

func exactly(value string) param {
	return param{pattern: regexp.MustCompile("^" + regexp.QuoteMeta(value) + "$")}
}

// verbs is the table of what controller/docker asks. There is no call that is not in it.
var verbs = []verb{
	{method: "GET", path: "_ping", unversioned: true},
	{method: "HEAD", path: "_ping", unversioned: true},
	{method: "GET", path: "version", unversioned: true},
	{method: "GET", path: "info"}, // which storage driver there is
	{method: "GET", path: "events", query: map[string]param{"filters": anything}, check: (*check).ownFilter},

	{method: "POST", path: "containers/create", query: map[string]param{"name": anything}, body: jsonBody, check: (*check).create},
	{method: "GET", path: "containers/json", query: map[string]param{"all": one, "filters": anything}, check: (*check).ownFilter},
	{method: "GET", path: "containers/{}/json", query: map[string]param{"size": one}, check: (*check).readContainer},
	{method: "GET", path: "containers/{}/top", query: map[string]param{"ps_args": exactly("-eo pid,uid")}, check: (*check).workContainer},
	{method: "GET", path: "containers/{}/stats", query: map[string]param{"stream": exactly("0"), "one-shot": one}, check: (*check).workContainer},
	{method: "GET", path: "containers/{}/logs", query: map[string]param{
		"stdout": one, "stderr": one, "since": moment, "until": moment, "timestamps": one, "follow": one, "tail": moment,
	}, check: (*check).readLogs},
	{method: "POST", path: "containers/{}/attach", query: map[string]param{"stream": one, "stdin": one, "stdout": one, "stderr": one}, body: upgraded, check: (*check).attach},
	{method: "POST", path: "containers/{}/start", check: (*check).runContainer},
	{method: "POST", path: "containers/{}/stop", query: map[string]param{"t": number}, check: (*check).workContainer},
	{method: "POST", path: "containers/{}/restart", query: map[string]param{"t": number}, check: (*check).restart},
	{method: "DELETE", path: "containers/{}", query: map[string]param{"v": one, "force": one}, check: (*check).runContainer},
	{method: "HEAD", path: "containers/{}/archive", query: map[string]param{"path": anything}, check: (*check).archive},
	{method: "GET", path: "containers/{}/archive", query: map[string]param{"path": anything}, check: (*check).archive},
	{method: "PUT", path: "containers/{}/archive", query: map[string]param{"path": anything, "noOverwriteDirNonDir": exactly("true")}, body: streamed, check: (*check).archive},
	{method: "POST", path: "commit", query: map[string]param{"container": anything, "repo": empty, "tag": empty, "comment": empty, "author": empty, "pause": exactly("0")}, body: jsonBody, check: (*check).commit},

	{method: "POST", path: "build", query: map[string]param{
		"version": exactly("2"), "t": {several: true}, "extrahosts": {several: true}, "rm": exactly("0"), "remote": exactly("client-session"),
		"dockerfile": anything, "target": anything, "buildargs": anything, "labels": anything, "session": anything, "buildid": anything,
	}, body: streamed, check: (*check).build},
	{method: "POST", path: "build/cancel", query: map[string]param{"id": anything}, check: (*check).cancelBuild},
	{method: "POST", path: "build/prune", query: map[string]param{"keep-storage": keptBytes, "filters": anything}, check: (*check).pruneCache},
	{method: "POST", path: "session", unversioned: true, body: upgraded},

	{method: "GET", path: "images/json", query: map[string]param{"all": one, "filters": anything}, check: (*check).ownFilter},
	{method: "GET", path: "images/{}/json", manyParts: true, check: (*check).readImage},
	{method: "DELETE", path: "images/{}", manyParts: true, query: map[string]param{"force": one, "noprune": one}, check: (*check).removeImage},
	{method: "POST", path: "images/create", query: map[string]param{
		"fromImage": anything, "tag": anything, "fromSrc": exactly("-"), "repo": anything, "changes": {several: true},
	}, body: streamed, check: (*check).makeImage},

	{method: "GET", path: "networks", query: map[string]param{"filters": anything}}, // whose subnets are taken
	{method: "POST", path: "networks/create", body: jsonBody, check: (*check).createNetwork},
	{method: "DELETE", path: "networks/{}", check: (*check).removeNetwork},
	{method: "POST", path: "networks/{}/connect", body: jsonBody, check: (*check).connect},
	{method: "POST", path: "networks/{}/disconnect", body: jsonBody, check: (*check).disconnect},

	{method: "GET", path: "volumes", query: map[string]param{"filters": anything}, check: (*check).ownFilter},
	{method: "POST", path: "volumes/create", body: jsonBody, check: (*check).createVolume},
	{method: "GET", path: "volumes/{}", check: (*check).namedVolume},
	{method: "DELETE", path: "volumes/{}", check: (*check).namedVolume},
}

// match reports whether the segments of a path are this verb's, and returns the name or ID
// in them.
func (v *verb) match(segments []string) (object string, matches bool) {
	shape := strings.Split(v.path, "/")
	if v.manyParts {
		last := len(shape) - 1
		if len(segments) < len(shape) || segments[0] != shape[0] || shape[last] != "{}" && segments[len(segments)-1] != shape[last] {
			return "", false
		}
		end := len(segments)
		if shape[last] != "{}" {
			end--
		}
		return strings.Join(segments[1:end], "/"), true
	}
	if len(segments) != len(shape) {
		return "", false
	}
	for i, part := range shape {
		if part == "{}" {
			object = segments[i]
		} else if part != segments[i] {
			return "", false
		}
	}
	return object, true
}
