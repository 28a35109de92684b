package main

import (
	"slices"

	"berth/controller/importing"
)

// serverNoun stands before what runs on the server itself.
const serverNoun = "server"

// commands returns every command, in the order of the help.
func commands() []command {
	own := serverCommands()
	for _, c := range own {
		if c.name == "server audit" {
			continue // audit is a noun of the tree
		}
		own = append(own, command{name: c.name[len(serverNoun)+1:], arguments: c.arguments, summary: c.summary, run: c.run, earlier: true})
	}
	return slices.Concat(startCommands(), appCommands(), placeCommands(), machineCommands(), adminCommands(), otherCommands(), earlierCommands(), own)
}

// startCommands are what a new person types first.
func startCommands() []command {
	return []command{
		{name: "login", arguments: "https://HOST:PORT [flags]", summary: "sign in to a server, and keep a token for it", run: runLogin, rows: []string{"POST /api/v1/login"}},
		{name: "logout", arguments: "[flags]", summary: "give the token of a server back and forget the server", run: runLogout, rows: []string{"DELETE /api/v1/login"}},
		{name: "context list", summary: "list the servers that you signed in to", run: runContextList},
		{name: "context use", arguments: "CONTEXT", summary: "choose the server that commands speak to", run: runContextUse},
		{name: "context rm", arguments: "CONTEXT", summary: "forget a server; berth logout gives its token back too", run: runContextRemove},
		{name: "init", arguments: "[NAME] [--route ROUTE]", summary: "write a berth.toml, so that berth deploy needs no words", run: runInit},
		{
			name: "deploy", arguments: "[FOLDER|ARCHIVE|--image IMAGE] [--name NAME] [--route ROUTE] | --check [FOLDER|ARCHIVE]",
			summary: "build and run a folder, an archive or an image", run: runDeploy,
			rows: []string{"POST /api/v1/apps", "POST /api/v1/apps/:name/update", "POST /api/v1/apps/:name/releases/:number/archive/missing"},
		},
		{
			name: "import", arguments: importing.FormNames("|") + " PATH [--only APP] [--name NAME] [--route ROUTE] [--yes] [flags]",
			summary: "bring apps from Docker Compose or another platform, as a plan first", run: runImport,
			rows: []string{"GET /api/v1/apps", "POST /api/v1/apps", "PUT /api/v1/volumes/:volume/tar", "POST /api/v1/apps/:name/routes"},
		},
	}
}

// appCommands are of apps and their releases.
func appCommands() []command {
	return []command{
		row{get: true, path: "/api/v1/apps", list: "apps", columns: "name state release urls"}.command("apps list", "list the apps"),
		row{get: true, path: appRow}.command("apps show", "show an app with its settings"),
		row{get: true, path: appRow + "/settings"}.command("apps settings", "show the settings of an app"),
		row{path: appRow + "/settings", fields: true, follow: true}.command("apps set", "change settings of an app, such as memory_mb=512, and run it with them"),
		row{path: appRow + "/mounts", fields: true, follow: true}.command("apps mount", `choose the volumes of an app: mounts='[{"volume": "my-data", "target": "/data"}]'`),
		row{path: appRow + "/rename", takes: "name", fields: true, follow: true}.command("apps rename", `give an app another name; redirect=true lets its former path lead there`),
		row{path: appRow + "/duplicate", fields: true, follow: true}.command("apps duplicate", `deploy a new app like another one: name=shop-test route=/shop-test`),
		row{method: "PATCH", path: appRow, fields: true}.command("apps tag", `file an app: project=Shop tags='["web", "eu"]'`),
		{
			name: "move", arguments: "APP|--all --to URL [--fingerprint SHA256] [--private] [--address ROUTE] | APP [--done] [flags]",
			summary: "move an app with its data to another server, whose token is asked for; --done ends the redirect, or cancels",
			run:     runMove, rows: []string{"POST /api/v1/apps/:name/move", "GET /api/v1/apps/:name/move", "DELETE /api/v1/apps/:name/move"},
		},
		row{path: appRow + "/start"}.command("start", "start an app that was stopped"),
		row{path: appRow + "/stop"}.command("stop", "stop an app; it stays stopped"),
		row{path: appRow + "/restart"}.command("restart", "restart an app"),
		row{method: "DELETE", path: appRow, confirm: true, done: "Deleted."}.command("destroy", "delete an app with its releases; its volumes stay"),
		row{path: appRow + "/rollback", takes: "release", follow: true}.command("rollback", "run an earlier release again"),
		{name: "retry", arguments: "[APP] [FIELD=VALUE...] [flags]", summary: "try the newest release of an app again: port=5000", run: runRetry, rows: []string{"POST /api/v1/apps/:name/releases/:number/retry"}},
		row{path: appRow + "/settings", fields: true, follow: true}.command("scale", "give an app more or less: memory_mb=1024 cpu_percent=100 processes=200"),
		{name: "run", arguments: "[APP] [--service S] [--minutes N] [flags] -- PROGRAM ARGUMENT...", summary: "run a command once, with the image, the variables and the volumes of an app, and exit as it does", run: runOnce, rows: []string{"POST /api/v1/apps/:name/run"}},
		{name: "open", arguments: "[APP] [flags]", summary: "print where an app answers", run: runOpen, rows: []string{"GET /api/v1/apps/:name"}},
		{
			name: "logs", arguments: "NAME [-f] [--since 1h] [--grep TEXT] [--service S] [--requests] [flags]", summary: "print what an app printed, over all its releases, or the requests to it",
			run: runLogs, rows: []string{"GET /api/v1/apps/:name/logs"},
		},
		row{get: true, path: appRow + "/releases", list: "releases", columns: "number state created_at created_by reason"}.command("releases list", "list the releases of an app"),
		row{get: true, path: releaseRow}.command("releases show", "show a release"),
		{name: "releases log", arguments: "[APP] NUMBER [-f] [flags]", summary: "print the log of a release; -f follows it to its end", run: runReleaseLog, rows: []string{"GET /api/v1/apps/:name/releases/:number/log"}},
		{name: "releases diff", arguments: "[APP] NUMBER [--with NUMBER] [--lines] [flags]", summary: "show what changed since another release", run: runReleaseDiff, rows: []string{"GET /api/v1/apps/:name/releases/:number/diff", "GET /api/v1/apps/:name/releases/:number/diff/lines"}},
		row{get: true, path: releaseRow + "/archive"}.saved("releases archive", "download what a release was built from"),
		row{path: releaseRow + "/cancel"}.command("releases cancel", "cancel a release that is under way"),
		row{path: releaseRow + "/retry", fields: true, follow: true}.command("releases retry", "try a failed release again"),
	}
}

// placeCommands are of where an app answers, and what it has.
func placeCommands() []command {
	const environment = "GET /api/v1/apps/:name/environment"
	const changed = "PATCH /api/v1/apps/:name/environment"
	return []command{
		{name: "env list", arguments: "APP [flags]", summary: "show the environment of an app, without its secrets", run: verb("list", runEnv), rows: []string{environment}},
		{name: "env set", arguments: "APP [--build] A=b... [flags]", summary: "set variables", run: verb("set", runEnv), rows: []string{changed}},
		{name: "env set-secret", arguments: "APP A [--file FILE] [flags]", summary: "set a secret, whose value is read from standard input or a file", run: verb("set-secret", runEnv), rows: []string{changed}},
		{name: "env unset", arguments: "APP A... [flags]", summary: "remove variables and secrets", run: verb("unset", runEnv), rows: []string{changed}},
		{name: "env import", arguments: "APP FILE [--variables] [flags]", summary: "set what a .env file holds", run: verb("import", runEnv), rows: []string{changed}},
		{name: "env replace", arguments: "APP FIELD=VALUE... [flags]", summary: `replace the whole environment: variables='{"A": "b"}'`, run: row{method: "PUT", path: appRow + "/environment", fields: true}.run, rows: []string{"PUT /api/v1/apps/:name/environment"}},
		{name: "env apply", arguments: "APP [flags]", summary: "make a release with what was saved", run: verb("apply", runEnv), rows: []string{"POST /api/v1/apps/:name/environment/apply"}},
		{name: "routes list", arguments: "APP [flags]", summary: "show where an app answers", run: verb("list", runRoute), rows: []string{"GET /api/v1/apps/:name/routes"}},
		{name: "routes add", arguments: "APP ROUTE [--take-over] [--service S] [--port P] [flags]", summary: "let an app answer at one more route, live at once", run: verb("add", runRoute), rows: []string{"POST /api/v1/apps/:name/routes"}},
		{name: "routes change", arguments: "APP ROUTE NEW [flags]", summary: "change a route, live at once", run: verb("change", runRoute), rows: []string{"POST /api/v1/apps/:name/routes/change"}},
		{name: "routes remove", arguments: "APP ROUTE [flags]", summary: "take a route away, live at once", run: verb("remove", runRoute), rows: []string{"POST /api/v1/apps/:name/routes/remove"}},
		{name: "routes move", arguments: "APP ROUTE OTHER-APP [flags]", summary: "give a route to another app, live at once", run: verb("move", runRoute), rows: []string{"POST /api/v1/apps/:name/routes"}},
		{name: "ports list", arguments: "APP [flags]", summary: "show the public ports of an app over TCP and UDP", run: verb("list", runPort), rows: []string{"GET /api/v1/apps/:name/ports"}},
		{name: "ports add", arguments: "APP PORT [--service SERVICE] [--target PORT] [flags]", summary: "open a public port, live at once", run: verb("add", runPort), rows: []string{"POST /api/v1/apps/:name/ports"}},
		{name: "ports remove", arguments: "APP PORT [flags]", summary: "close a public port, live at once", run: verb("remove", runPort), rows: []string{"DELETE /api/v1/apps/:name/ports/:protocol/:number"}},
		row{get: true, path: appRow + "/access"}.command("access show", "show who may open an app"),
		row{method: "PATCH", path: appRow + "/access", fields: true}.command("access set", "change who may open an app, such as password=true maintenance.on=false"),
		{name: "access user", arguments: "[APP] NAME [flags]", summary: "let a person in by a password, which is asked for", run: runAccessUser, rows: []string{"PATCH /api/v1/apps/:name/access"}},
		row{get: true, path: appRow + "/backup-hook"}.command("hook show", "show what runs before and after a backup of an app"),
		row{method: "PUT", path: appRow + "/backup-hook", fields: true}.command("hook set", `choose what runs before a backup: before='["pg_dump", "-f", "/data/dump"]'`),
		row{get: true, path: appRow + "/push"}.command("push show", "show which branch and folder git push deploys"),
		row{method: "PATCH", path: appRow + "/push", fields: true}.command("push set", "choose what git push deploys: branch=main folder=web"),
		row{get: true, path: appRow + "/webhook"}.command("webhooks show", "show which repository and branch a webhook deploys"),
		row{method: "PATCH", path: appRow + "/webhook", fields: true}.command("webhooks set", "choose what a webhook deploys: on=true repository=https://git.example.com/user/shop.git branch=main"),
		row{path: appRow + "/webhook/renew"}.command("webhooks renew", "make a new address and a new secret of the webhook; the old ones end"),
		row{path: appRow + "/webhook/fetch"}.command("webhooks fetch", "fetch the branch now, and deploy its newest commit if that is another one"),
		row{get: true, path: appRow + "/webhook/deliveries", list: "deliveries", columns: "at result provider release reason"}.command("webhooks deliveries", "list what git hosts sent to the webhook, and what came of it"),
		row{get: true, path: appRow + "/image-tag"}.command("tagwatch show", "show whether an app is deployed again when the tag of its image moves"),
		row{method: "PUT", path: appRow + "/image-tag", fields: true}.command("tagwatch set", "deploy an app again when the tag of its image moves: on=true minutes=15"),
		row{path: appRow + "/image-tag/check"}.command("tagwatch check", "look at the tag of the image now, and deploy what it means"),
		row{path: appRow + "/image-tag/hook"}.command("tagwatch hook", "make an address and a secret with which a registry tells of pushes; earlier ones end"),
		row{method: "DELETE", path: appRow + "/image-tag/hook", done: "Removed."}.command("tagwatch unhook", "end the address with which a registry tells of pushes"),
		{name: "egress show", arguments: "APP [flags]", summary: "show where an app may connect to", run: runEgress, rows: []string{"GET /api/v1/apps/:name/egress"}},
		{name: "egress open", arguments: "APP [flags]", summary: "let an app connect everywhere", run: verb("open", runEgress), rows: []string{"PUT /api/v1/apps/:name/egress"}},
		{name: "egress none", arguments: "APP [flags]", summary: "let an app connect nowhere", run: verb("none", runEgress), rows: []string{"PUT /api/v1/apps/:name/egress"}},
		{name: "egress list", arguments: "APP [HOST:PORT...] [flags]", summary: "let an app connect to these hosts alone", run: verb("list", runEgress), rows: []string{"PUT /api/v1/apps/:name/egress"}},
		{name: "egress allow", arguments: "APP HOST:PORT... [flags]", summary: "add hosts to the list of an app", run: verb("allow", runEgress), rows: []string{"PUT /api/v1/apps/:name/egress"}},
	}
}

// machineCommands are of what the whole server has.
func machineCommands() []command {
	return []command{
		{name: "volumes list", arguments: "[flags]", summary: "show the volumes", run: verbAt(0, "list", runVolume), rows: []string{"GET /api/v1/volumes"}},
		row{path: "/api/v1/volumes", takes: "name", fields: true}.command("volumes create", "make a volume"),
		{name: "volumes quota", arguments: "VOLUME SIZE|default [flags]", summary: "change what a volume may take on the disk", run: verbAt(0, "quota", runVolume), rows: []string{"POST /api/v1/volumes/:volume/quota"}},
		row{get: true, path: volumeRow}.command("volumes show", "show a volume"),
		{name: "volumes ls", arguments: "VOLUME [PATH] [flags]", summary: "list a folder in a volume", run: runVolumeList, rows: []string{fileGet}},
		{name: "volumes get", arguments: "VOLUME PATH [FILE] [flags]", summary: "copy a file out of a volume; without FILE to standard output", run: runVolumeGet, rows: []string{fileGet}},
		{name: "volumes put", arguments: "VOLUME FILE PATH [flags]", summary: "copy a file into a volume", run: runVolumePut, rows: []string{"PUT /api/v1/volumes/:volume/files/*path"}},
		row{get: true, path: volumeRow + "/tar"}.saved("volumes get-tar", "copy a whole volume out, as a tar"),
		{name: "volumes put-tar", arguments: "VOLUME FILE|- [--replace | --merge] [flags]", summary: "unpack a tar into a volume, which is made if it is missing", run: runVolumePutTar, rows: []string{"PUT /api/v1/volumes/:volume/tar"}},
		{name: "volumes rm", arguments: "VOLUME PATH [flags]", summary: "remove a file or a folder in a volume", run: runVolumeRemove, rows: []string{"DELETE /api/v1/volumes/:volume/files/*path"}},
		row{method: "DELETE", path: volumeRow, confirm: true, done: "Deleted."}.command("volumes delete", "delete a volume with all that is in it"),
		{name: "disks list", arguments: "[flags]", summary: "show what grows on the server's disk", run: verbAt(0, "list", runDisks), rows: []string{"GET /api/v1/disks"}},
		{name: "disks clean", arguments: "[flags]", summary: "remove what nothing needs any more", run: verbAt(0, "clean", runDisks), rows: []string{"POST /api/v1/disks/clean"}},
		{name: "disks keep", arguments: "[--releases N] [--audit-days N] [--log-days N] [--output-days N] [--event-days N] [--pulled-days N] [--cache-days N] [--cache-gb N] [flags]", summary: "change what is kept", run: verbAt(0, "keep", runDisks), rows: []string{"PATCH /api/v1/disks"}},
		{name: "backup", arguments: "[--list] [flags]", summary: "make a backup of the server now and wait for its end", run: runBackup, rows: []string{"POST /api/v1/backups"}},
		{name: "backup drill", arguments: "[flags]", summary: "prove the newest backup by a restore that is thrown away, and wait for its end", run: verbAt(0, "drill", runBackup), rows: []string{"POST /api/v1/backups/drill"}},
		row{get: true, path: "/api/v1/backups", list: "backups", columns: "set state began_at bytes sent_bytes reason"}.command("backups list", "list the latest backups"),
		row{get: true, path: "/api/v1/backups/settings"}.command("backups settings", "show when and where backups are made"),
		row{method: "PUT", path: "/api/v1/backups/settings", fields: true}.command("backups set", "change when and where backups are made"),
		{
			name: "events", arguments: "[--app NAME] [--kind KIND] [--from DAY] [--to DAY] [--before N] [--count N] [-f] [flags]", summary: "print what happened to apps and to the server",
			run: runEvents, rows: []string{"GET /api/v1/events"},
		},
		{name: "alerts list", arguments: "[flags]", summary: "show what fires, and the rules and channels of alerts", run: verbAt(0, "list", runAlerts), rows: []string{"GET /api/v1/alerts"}},
		row{get: true, path: "/api/v1/alerts/rules/:id"}.command("alerts rule", "show a rule of alerts"),
		row{path: "/api/v1/alerts/rules", fields: true}.command("alerts add-rule", "create a rule of alerts"),
		row{method: "PUT", path: "/api/v1/alerts/rules/:id", fields: true}.command("alerts set-rule", "change a rule of alerts; fields that are not named are emptied"),
		row{method: "DELETE", path: "/api/v1/alerts/rules/:id", confirm: true, done: "Removed."}.command("alerts remove-rule", "remove a rule of alerts"),
		row{get: true, path: "/api/v1/alerts/channels/:id"}.command("alerts channel", "show a channel of alerts"),
		row{path: "/api/v1/alerts/channels", fields: true}.command("alerts add-channel", "create a channel of alerts"),
		row{method: "PUT", path: "/api/v1/alerts/channels/:id", fields: true}.command("alerts set-channel", "change a channel of alerts; fields that are not named are emptied"),
		row{method: "DELETE", path: "/api/v1/alerts/channels/:id", confirm: true, done: "Removed."}.command("alerts remove-channel", "remove a channel of alerts"),
		{name: "alerts test", arguments: "CHANNEL [flags]", summary: "send a test to a channel of alerts", run: verbAt(0, "test", runAlerts), rows: []string{"POST /api/v1/alerts/channels/:id/test"}},
		row{path: "/api/v1/alerts/rules/:id/mute", takes: "for", fields: true}.command("alerts mute", "send nothing about a rule for 1h, 8h, 24h or until it is over; subject=shop mutes that one alone"),
		row{path: "/api/v1/alerts/rules/:id/unmute", fields: true, done: "No longer muted."}.command("alerts unmute", "end a mute"),
		row{get: true, path: "/api/v1/alerts/heartbeat"}.command("alerts heartbeat", "show the heartbeat that a monitor of yours waits for"),
		row{method: "PUT", path: "/api/v1/alerts/heartbeat", fields: true}.command("alerts set-heartbeat", "choose the heartbeat: url=https://... minutes=1 method=GET"),
		row{method: "DELETE", path: "/api/v1/alerts/heartbeat", confirm: true, done: "Removed."}.command("alerts remove-heartbeat", "end the heartbeat"),
		row{path: "/api/v1/alerts/heartbeat/test"}.command("alerts test-heartbeat", "send a heartbeat now"),
		{name: "metrics", arguments: "[APP] [--range RANGE] [--service SERVICE]", summary: "show what an app, or the server, has taken and answered", run: runMetrics, rows: []string{"GET /api/v1/apps/:name/metrics", "GET /api/v1/metrics"}},
		{name: "doctor", arguments: "[--probe] [flags]", summary: "check what a server needs before strangers may reach it; exits with 1 where something is red", run: runDoctor, rows: []string{"GET /api/v1/checklist", "POST /api/v1/checklist/probe"}},
	}
}

// adminCommands are of who may come, and of the domains and the proxy.
func adminCommands() []command {
	const (
		certificate = "/api/v1/certificates/:host"
		limit       = "/api/v1/limits/:class"
		sessions    = "/api/v1/accounts/:account/sessions"
	)
	return []command{
		row{get: true, path: "/api/v1/domains", list: "domains", columns: "host routes redirect"}.command("domains list", "list the hosts of apps"),
		row{path: "/api/v1/domains/check", takes: "host"}.command("domains check", "ask DNS whether a host can get a certificate here"),
		row{get: true, path: "/api/v1/home"}.command("home show", "show where the address of the server itself leads"),
		row{method: "PUT", path: "/api/v1/home", takes: "home"}.command("home set", "choose a route for the address of the server itself"),
		row{path: "/api/v1/redirects", takes: "from", fields: true}.command("redirects add", "redirect a host: to=www.example.com permanent=true"),
		row{method: "DELETE", path: "/api/v1/redirects/:host", done: "Removed."}.command("redirects remove", "end the redirect of a host"),
		row{get: true, path: "/api/v1/certificates", list: "certificates", columns: "host source apps"}.command("certs list", "list the certificates of hosts"),
		row{get: true, path: certificate}.command("certs show", "show the certificate of a host"),
		row{method: "PATCH", path: certificate, fields: true}.command("certs set", "change how a host is served, such as redirect=always"),
		row{method: "PUT", path: certificate + "/own", fields: true}.command("certs own", "give a host a certificate of yours: chain=PEM key=PEM"),
		row{method: "DELETE", path: certificate + "/own"}.command("certs drop", "take a host's own certificate away"),
		row{path: certificate + "/again"}.command("certs retry", "ask again for the certificate of a host"),
		row{get: true, path: "/api/v1/proxy"}.command("proxy show", "show the settings of the proxy"),
		row{method: "PATCH", path: "/api/v1/proxy", fields: true}.command("proxy set", "change settings of the proxy, such as force_https=true"),
		row{get: true, path: "/api/v1/limits", list: "limits", columns: "class title budget per"}.command("limits list", "list the rate limits"),
		row{method: "PUT", path: limit, takes: "budget"}.command("limits set", "change a rate limit"),
		row{method: "DELETE", path: limit}.command("limits reset", "give a rate limit its first value again"),
		row{path: limit + "/clear", takes: "subject"}.command("limits clear", "let somebody go on who is limited"),
		row{get: true, path: "/api/v1/accounts", list: "accounts", columns: "name second_factor sessions login_at"}.command("accounts list", "list who may sign in"),
		row{method: "DELETE", path: "/api/v1/accounts/:account", done: "Removed."}.command("accounts remove", "take an account away"),
		row{get: true, path: sessions, list: "sessions", columns: "id device address seen_at"}.command("sessions list", "list where an account is signed in"),
		row{method: "DELETE", path: sessions, done: "Ended."}.command("sessions end-all", "sign an account out everywhere"),
		row{method: "DELETE", path: sessions + "/:session", done: "Ended."}.command("sessions end", "end one session of an account"),
		row{get: true, path: "/api/v1/tokens", list: "tokens", columns: "id name scope created_by expires_at used_at"}.command("tokens list", "list the tokens of the API"),
		row{method: "DELETE", path: "/api/v1/tokens/:id", done: "Revoked."}.command("tokens revoke", "revoke a token"),
		row{get: true, path: "/api/v1/keys", list: "keys", columns: "id name account type fingerprint used_at"}.command("keys list", "list the SSH keys that push with git"),
		row{path: "/api/v1/keys", takes: "key", file: true, fields: true}.command("keys add", "let an SSH key push: ~/.ssh/id_ed25519.pub name=laptop"),
		row{method: "DELETE", path: "/api/v1/keys/:id", done: "Removed."}.command("keys remove", "take an SSH key away"),
		row{get: true, path: "/api/v1/ssh"}.command("keys host", "show the server's own SSH key, and where to push to"),
		row{get: true, path: "/api/v1/audit", list: "entries", columns: "sequence at action success account resource detail", queries: slices.Concat(auditQueries, []string{"limit: how many entries, the newest first (50)"})}.command("audit list", "list the audit log"),
		row{get: true, path: "/api/v1/audit/export"}.saved("audit export", "download the audit log", slices.Concat(auditQueries, []string{"format: jsonl or csv"})...),
		row{path: "/api/v1/audit/verify", bad: brokenLog}.command("audit verify", "check every entry of the audit log"),
		row{get: true, path: registriesRow, list: "registries", columns: "registry user changed_at"}.command("registries ls", "list the registries that Berth signs in to"),
		{name: "registries add", arguments: "HOST USER [flags]", summary: "save how Berth signs in to a registry, by a password or token that is asked for", run: runRegistriesAdd, rows: []string{"PUT " + registriesRow + "/:host"}},
		row{method: "DELETE", path: registriesRow + "/:host", done: "Removed."}.command("registries rm", "forget how Berth signs in to a registry"),
		row{path: registriesRow + "/:host/test", done: "The registry takes the login."}.command("registries test", "sign in to a registry, to try its login"),
	}
}

// auditQueries are the parameters of the filter of the audit log.
var auditQueries = []string{
	"text: anywhere in the entry", "action: such as APP_CREATE", "who: an account or a token", "outcome: success or failure",
	"from: the first day, such as 2026-03-31", "to: the last day",
}

func otherCommands() []command {
	return []command{
		row{get: true, path: "/api/v1/openapi.json"}.saved("openapi", "print the document of the API, in OpenAPI 3.1"),
		{name: "api", arguments: "METHOD PATH [--data JSON|@FILE] [flags]", summary: "send any request to the API and print its answer", run: runAPI},
		{name: "completion", arguments: "bash|zsh|fish", summary: "print a script that completes commands in a shell", run: runCompletion},
		{name: "version", summary: "print the version", run: runVersion},
		{name: "help", arguments: "[COMMAND]", summary: "print this, or what a command takes", run: runHelp},
	}
}

// earlierCommands are the spellings from before the tree.
func earlierCommands() []command {
	return []command{
		{name: "egress", arguments: "NAME [open | none | list [HOST:PORT...] | allow HOST:PORT...] [flags]", summary: "show and change where an app may connect to", run: runEgress, earlier: true},
		{name: "env", arguments: "NAME list | set [--build] A=b... | set-secret A | unset A... | import FILE | apply [flags]", summary: "show, change and apply the environment of an app", run: runEnv, earlier: true},
		{name: "route", arguments: "NAME list | add ROUTE [--take-over] [--service S] [--port P] | change ROUTE NEW | remove ROUTE | move ROUTE APP [flags]", summary: "show and change where an app answers, live at once", run: runRoute, earlier: true},
		{name: "port", arguments: "NAME list | add PORT [--service SERVICE] [--target PORT] | remove PORT [flags]", summary: "show and change the public ports of an app over TCP and UDP, live at once", run: runPort, earlier: true},
		{name: "volume", arguments: "[list] | quota NAME SIZE|default [flags]", summary: "show the volumes, and change what one may take on the disk", run: runVolume, earlier: true},
		{name: "alerts", arguments: "[list] | test NAME [flags]", summary: "show what fires, and the rules and channels of alerts; send a test", run: runAlerts, earlier: true},
		{name: "disks", arguments: "[list] | clean | keep [flags]", summary: "show what grows on the server's disk, clean it, and change what is kept", run: runDisks, earlier: true},
	}
}
