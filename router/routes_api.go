package router

import (
	"net/http"

	"berth/controller/audit"
	"berth/controller/retention"
	"berth/controller/volumes"
	"berth/router/openapi"
)

// apiRoutes is the whole surface of the API, with what each row takes and answers.
func (a *admin) apiRoutes() []route { //nolint:revive // as long as the surface is: one table shows all of it
	const (
		ok        = http.StatusOK
		created   = http.StatusCreated
		accepted  = http.StatusAccepted
		noContent = http.StatusNoContent

		bytesMedia = "application/octet-stream"

		apiApp = apiApps + "/:name"
		apiRel = apiApp + "/releases/:number"
		apiVol = apiVolumes + "/:volume"

		apiCertificates = apiRoot + "certificates"
		apiCert         = apiCertificates + "/:host"
		apiLimits       = apiRoot + "limits"
		apiAccounts     = apiRoot + "accounts"
		apiSessions     = apiAccounts + "/:account/sessions"
		apiTokens       = apiRoot + "tokens"
		apiKeys         = apiRoot + "keys"
		apiAudit        = apiRoot + "audit"
		apiRegistries   = apiRoot + "registries"
	)
	return []route{
		{
			method: get, path: documentPath, access: token(readScope), handle: a.apiShowDocument,
			api: contract{does: "Show this document", out: gives[map[string]any](ok)},
		},

		{
			method: get, path: apiApps, access: token(readScope), handle: a.apiListApps,
			api: contract{does: "List the apps", out: gives[appsJSON](ok)},
		},
		{
			method: post, path: apiApps, access: token(deployScope), form: inStream, limit: limitUpload, body: archiveBody, audit: audit.ActionAppCreate, handle: a.apiCreateApp,
			api: contract{does: "Deploy a new app", in: archiveForm(true), out: or(gives[releaseJSON](created), gives[previewJSON](ok))},
		},
		{
			method: get, path: apiApp, access: token(readScope), handle: a.apiShowApp,
			api: contract{does: "Show an app", out: gives[appJSON](ok)},
		},
		{
			method: patch, path: apiApp, access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiFileApp,
			api: contract{does: "Change the project and the tags of an app", in: takes[labelsWish](), out: gives[appJSON](ok)},
		},
		{
			method: post, path: apiApp + "/rename", access: token(deployScope), audit: audit.ActionAppRename, handle: a.apiRenameApp,
			api: contract{does: "Give an app another name, with all that is kept of it", in: takes[renameWish](), out: or(gives[releaseJSON](created), gives[appJSON](ok))},
		},
		{
			method: post, path: apiApp + "/duplicate", access: token(deployScope), limit: limitUpload, audit: audit.ActionAppCreate, handle: a.apiDuplicateApp,
			api: contract{does: "Deploy a new app of another one's archive or image, settings and variables", in: takes[duplicateWish](), out: gives[releaseJSON](created)},
		},
		{
			method: post, path: apiApp + "/move", access: token(adminScope), audit: audit.ActionAppMove, handle: a.apiBeginMove,
			api: contract{does: "Move an app with its data to another server", in: takes[moveWish](), out: gives[moveJSON](accepted)},
		},
		{
			method: get, path: apiApp + "/move", access: token(readScope), handle: a.apiShowMove,
			api: contract{does: "Show how far the move of an app is", out: gives[moveJSON](ok)},
		},
		{
			method: del, path: apiApp + "/move", access: token(adminScope), audit: audit.ActionAppMove, handle: a.apiEndMove,
			api: contract{does: "Cancel a move, or end the redirect of an app that has moved", out: empty(noContent)},
		},
		{
			method: del, path: apiApp, access: token(adminScope), audit: audit.ActionAppDelete, handle: a.apiDeleteApp,
			api: contract{does: "Delete an app with its releases", out: or(empty(noContent), empty(accepted))},
		},
		{
			method: post, path: apiApp + "/update", access: token(deployScope), form: inStream, limit: limitUpdate, body: archiveBody, audit: audit.ActionAppUpdate, handle: a.apiUpdateApp,
			api: contract{does: "Deploy a new version of an app", in: archiveForm(false), out: or(gives[releaseJSON](created), gives[previewJSON](ok))},
		},
		{
			method: post, path: apiApp + "/start", access: token(deployScope), audit: audit.ActionAppStart, handle: a.apiStartApp,
			api: contract{does: "Start an app", out: gives[appJSON](ok)},
		},
		{
			method: post, path: apiApp + "/stop", access: token(deployScope), audit: audit.ActionAppStop, handle: a.apiStopApp,
			api: contract{does: "Stop an app", out: gives[appJSON](ok)},
		},
		{
			method: post, path: apiApp + "/restart", access: token(deployScope), audit: audit.ActionAppRestart, handle: a.apiRestartApp,
			api: contract{does: "Restart an app", out: gives[appJSON](ok)},
		},
		{
			method: post, path: apiApp + "/run", access: token(deployScope), audit: audit.ActionAppRun, handle: a.apiRun,
			api: contract{does: "Run a command once, beside an app", in: takes[runWish](), out: sends("application/x-ndjson")},
		},
		{
			method: post, path: apiApp + "/rollback", access: token(deployScope), audit: audit.ActionAppRollback, handle: a.apiRollBackApp,
			api: contract{does: "Go back to an earlier release", in: takes[rollbackWish](), out: gives[releaseJSON](created)},
		},
		{
			method: post, path: apiApp + "/settings", access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiUpdateSettings,
			api: contract{edits: a.apiShowSettings, does: "Change the settings of an app", in: takes[settingsJSON](), out: or(gives[releaseJSON](created), gives[appJSON](ok))},
		},
		{
			method: get, path: apiApp + "/settings", access: token(readScope), handle: a.apiShowSettings,
			api: contract{versioned: true, does: "Show the settings of an app", out: gives[settingsJSON](ok)},
		},
		{
			method: get, path: apiApp + "/environment", access: token(readScope), handle: a.apiShowEnvironment,
			api: contract{versioned: true, does: "Show the environment of an app", out: gives[environmentJSON](ok)},
		},
		{
			method: put, path: apiApp + "/environment", access: token(deployScope), audit: audit.ActionEnvironmentChange, handle: a.apiReplaceEnvironment,
			api: contract{edits: a.apiShowEnvironment, does: "Replace the environment of an app", in: takes[environmentReplaceWish](), out: gives[environmentJSON](ok)},
		},
		{
			method: patch, path: apiApp + "/environment", access: token(deployScope), audit: audit.ActionEnvironmentChange, handle: a.apiUpdateEnvironment,
			api: contract{edits: a.apiShowEnvironment, does: "Change variables of an app", in: takes[environmentUpdateWish](), out: gives[environmentJSON](ok)},
		},
		{
			method: post, path: apiApp + "/environment/apply", access: token(deployScope), audit: audit.ActionEnvironmentApply, handle: a.apiApplyEnvironment,
			api: contract{does: "Run the app with its saved environment", out: or(gives[releaseJSON](created), gives[environmentJSON](ok))},
		},
		{
			method: post, path: apiApp + "/mounts", access: token(deployScope), audit: audit.ActionVolumeMount, handle: a.apiUpdateMounts,
			api: contract{does: "Replace the volumes that an app mounts", in: takes[mountsWish](), out: or(gives[releaseJSON](created), gives[appJSON](ok))},
		},
		{
			method: get, path: apiApp + "/ports", access: token(readScope), handle: a.apiListPorts,
			api: contract{does: "List the public ports of an app", out: gives[portsJSON](ok)},
		},
		{
			method: get, path: apiApp + "/egress", access: token(readScope), handle: a.apiShowEgress,
			api: contract{does: "Show where an app may connect to", out: gives[appEgressJSON](ok)},
		},
		{
			method: put, path: apiApp + "/egress", access: token(deployScope), audit: audit.ActionEgressChange, handle: a.apiUpdateEgress,
			api: contract{does: "Change where an app may connect to", in: takes[egressJSON](), out: or(gives[releaseJSON](created), gives[appEgressJSON](ok))},
		},
		{
			method: post, path: apiApp + "/ports", access: token(deployScope), audit: audit.ActionPortChange, handle: a.apiCreatePort,
			api: contract{does: "Give an app a public port", in: takes[portWish](), out: gives[portsJSON](created)},
		},
		{
			method: del, path: apiApp + "/ports/:protocol/:number", access: token(deployScope), audit: audit.ActionPortChange, handle: a.apiDeletePort,
			api: contract{does: "Take a public port away", out: gives[portsJSON](ok)},
		},
		{
			method: get, path: apiApp + "/routes", access: token(readScope), handle: a.apiListRoutes,
			api: contract{does: "List the routes of an app", out: gives[routesJSON](ok)},
		},
		{
			method: post, path: apiApp + "/routes", access: token(deployScope), audit: audit.ActionRouteChange, handle: a.apiCreateRoute,
			api: contract{does: "Add a route", in: takes[routeWish](), out: gives[routesJSON](created)},
		},
		{
			method: post, path: apiApp + "/routes/change", access: token(deployScope), audit: audit.ActionRouteChange, handle: a.apiChangeRoute,
			api: contract{does: "Change a route", in: takes[routeWish](), out: gives[routesJSON](ok)},
		},
		{
			method: post, path: apiApp + "/routes/remove", access: token(deployScope), audit: audit.ActionRouteChange, handle: a.apiDeleteRoute,
			api: contract{does: "Remove a route", in: takes[routeWish](), out: gives[routesJSON](ok)},
		},
		{
			method: get, path: apiApp + "/access", access: token(readScope), handle: a.apiShowAccess,
			api: contract{versioned: true, does: "Show who may use an app", out: gives[accessJSON](ok)},
		},
		{
			method: patch, path: apiApp + "/access", access: token(adminScope), audit: audit.ActionAppAccess, handle: a.apiUpdateAccess,
			api: contract{edits: a.apiShowAccess, does: "Change who may use an app", in: takes[accessWish](), out: gives[accessJSON](ok)},
		},
		{
			method: get, path: apiApp + "/backup-hook", access: token(adminScope), handle: a.apiShowHook,
			api: contract{does: "Show what runs before and after a backup of an app", out: gives[hookViewJSON](ok)},
		},
		{
			method: put, path: apiApp + "/backup-hook", access: token(adminScope), audit: audit.ActionBackupHook, handle: a.apiUpdateHook,
			api: contract{does: "Choose what runs before and after a backup of an app", in: takes[hookJSON](), out: empty(noContent)},
		},
		{
			method: get, path: apiApp + "/push", access: token(readScope), handle: a.apiShowPush,
			api: contract{versioned: true, does: "Show which branch and folder git push deploys", out: gives[pushJSON](ok)},
		},
		{
			method: patch, path: apiApp + "/push", access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiUpdatePush,
			api: contract{edits: a.apiShowPush, does: "Choose which branch and folder git push deploys", in: takes[pushJSON](), out: gives[pushJSON](ok)},
		},
		{
			method: get, path: apiApp + "/webhook", access: token(deployScope), handle: a.apiShowWebhook,
			api: contract{versioned: true, does: "Show the webhook of an app, without its secrets", out: gives[webhookJSON](ok)},
		},
		{
			method: patch, path: apiApp + "/webhook", access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiUpdateWebhook,
			api: contract{edits: a.apiShowWebhook, does: "Choose the repository and the branch that a webhook deploys", in: takes[webhookWish](), out: gives[webhookJSON](ok)},
		},
		{
			method: post, path: apiApp + "/webhook/renew", access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiRenewWebhook,
			api: contract{does: "Make a new address and secret of the webhook of an app", out: gives[webhookJSON](ok)},
		},
		{
			method: post, path: apiApp + "/webhook/fetch", access: token(deployScope), audit: audit.ActionAppUpdate, handle: a.apiFetch,
			api: contract{does: "Fetch the branch of an app now, and deploy its newest commit", out: or(gives[deliveryJSON](ok), gives[deliveryJSON](accepted))},
		},
		{
			method: get, path: apiApp + "/webhook/deliveries", access: token(readScope), handle: a.apiListDeliveries,
			api: contract{does: "List the last deliveries to the webhook of an app", out: gives[deliveriesJSON](ok)},
		},
		{
			method: get, path: apiApp + "/image-tag", access: token(readScope), handle: a.apiShowTagWatch,
			api: contract{does: "Show whether an app is deployed again when the tag of its image moves", out: gives[tagWatchJSON](ok)},
		},
		{
			method: put, path: apiApp + "/image-tag", access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiUpdateTagWatch,
			api: contract{does: "Choose whether an app is deployed again when the tag of its image moves", in: takes[tagWatchWish](), out: gives[tagWatchJSON](ok)},
		},
		{
			method: post, path: apiApp + "/image-tag/check", access: token(deployScope), audit: audit.ActionAppUpdate, handle: a.apiCheckTag,
			api: contract{does: "Look at the tag of an app's image now, and deploy what it means", out: gives[tagWatchJSON](ok)},
		},
		{
			method: post, path: apiApp + "/image-tag/hook", access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiCreateTagHook,
			api: contract{does: "Make an address and a secret with which a registry tells of pushes; earlier ones end", out: gives[tagHookJSON](ok)},
		},
		{
			method: del, path: apiApp + "/image-tag/hook", access: token(deployScope), audit: audit.ActionAppSettings, handle: a.apiDeleteTagHook,
			api: contract{does: "End the address with which a registry tells of pushes", out: empty(noContent)},
		},
		{
			method: get, path: apiApp + "/logs", access: token(readScope), handle: a.apiShowLogs,
			api: contract{does: "Show what an app printed, or the requests to it", query: logsQuery, out: gives[logsJSON](ok)},
		},
		{
			method: get, path: apiApp + "/releases", access: token(readScope), handle: a.apiListReleases,
			api: contract{does: "List the releases of an app", query: pageQuery, out: gives[releasesJSON](ok)},
		},
		{
			method: get, path: apiRel, access: token(readScope), handle: a.apiShowRelease,
			api: contract{does: "Show a release", out: gives[releaseJSON](ok)},
		},
		{
			method: get, path: apiRel + "/log", access: token(readScope), handle: a.apiShowLog,
			api: contract{does: "Show the log of a release", out: sends("text/plain")},
		},
		{
			method: get, path: apiApp + "/metrics", access: token(readScope), handle: a.apiShowMetrics,
			api: contract{does: "Show what an app has taken and answered", query: appMetricsQuery, out: gives[chartsJSON](ok)},
		},
		{
			method: get, path: apiRoot + "metrics", access: token(readScope), handle: a.apiShowServerMetrics,
			api: contract{does: "Show what the server has used", query: serverMetricsQuery, out: gives[chartsJSON](ok)},
		},
		{
			method: get, path: apiRel + "/diff", access: token(readScope), handle: a.apiShowDiff,
			api: contract{does: "Compare a release with another one", query: diffQuery, out: gives[diffJSON](ok)},
		},
		{
			method: get, path: apiRel + "/diff/lines", access: token(deployScope), handle: a.apiShowDiffLines,
			api: contract{does: "Compare a release with another one, and the lines of the files that differ", query: diffQuery, out: gives[diffJSON](ok)},
		},
		{
			method: get, path: apiRel + "/archive", access: token(deployScope), audit: audit.ActionReleaseArchive, handle: a.downloadArchive,
			api: contract{does: "Download what a release was built from", out: sends(bytesMedia)},
		},
		{
			method: post, path: apiRel + "/archive/missing", access: token(deployScope), body: piecesBody, handle: a.apiListMissing,
			api: contract{does: "List what of an archive need be sent where an update builds on a release", in: takes[piecesWish](), out: gives[piecesJSON](ok)},
		},
		{
			method: post, path: apiRel + "/cancel", access: token(deployScope), audit: audit.ActionReleaseCancel, handle: a.apiCancelRelease,
			api: contract{does: "Cancel a release", out: gives[releaseJSON](ok)},
		},
		{
			method: post, path: apiRel + "/retry", access: token(deployScope), audit: audit.ActionReleaseRetry, handle: a.apiRetryRelease,
			api: contract{does: "Try a failed release again", in: mayTake[retryWish](), out: gives[releaseJSON](created)},
		},

		{
			method: get, path: apiChecklist, access: token(readScope), handle: a.apiShowChecklist,
			api: contract{does: "Check the server", out: gives[checklistJSON](ok)},
		},
		{
			method: post, path: apiChecklist + "/probe", access: token(adminScope), audit: audit.ActionProbeRun, handle: a.apiRunProbe,
			api: contract{does: "Try to reach what must be closed", out: gives[probeJSON](ok)},
		},

		{
			method: get, path: apiAlerts, access: token(readScope), handle: a.apiShowAlerts,
			api: contract{does: "Show what fires, and the rules and channels of alerts", out: gives[alertsJSON](ok)},
		},
		{
			method: post, path: apiAlerts + "/rules", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiCreateRule,
			api: contract{does: "Create a rule of alerts", in: takes[alertRuleJSON](), out: gives[alertIDJSON](created)},
		},
		{
			method: get, path: apiAlerts + "/rules/:id", access: token(readScope), handle: a.apiShowRule,
			api: contract{versioned: true, does: "Show a rule of alerts", out: gives[alertRuleJSON](ok)},
		},
		{
			method: put, path: apiAlerts + "/rules/:id", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiUpdateRule,
			api: contract{edits: a.apiShowRule, does: "Change a rule of alerts", in: takes[alertRuleJSON](), out: empty(noContent)},
		},
		{
			method: del, path: apiAlerts + "/rules/:id", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiDeleteRule,
			api: contract{edits: a.apiShowRule, does: "Remove a rule of alerts", out: empty(noContent)},
		},
		{
			method: post, path: apiAlerts + "/channels", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiCreateChannel,
			api: contract{does: "Create a channel of alerts", in: takes[alertChannelJSON](), out: gives[alertIDJSON](created)},
		},
		{
			method: get, path: apiAlerts + "/channels/:id", access: token(readScope), handle: a.apiShowChannel,
			api: contract{versioned: true, does: "Show a channel of alerts", out: gives[alertChannelJSON](ok)},
		},
		{
			method: put, path: apiAlerts + "/channels/:id", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiUpdateChannel,
			api: contract{edits: a.apiShowChannel, does: "Change a channel of alerts", in: takes[alertChannelJSON](), out: empty(noContent)},
		},
		{
			method: del, path: apiAlerts + "/channels/:id", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiDeleteChannel,
			api: contract{edits: a.apiShowChannel, does: "Remove a channel of alerts", out: empty(noContent)},
		},
		{
			method: post, path: apiAlerts + "/channels/:id/test", access: token(adminScope), audit: audit.ActionAlertTest, handle: a.apiTestChannel,
			api: contract{does: "Send a test to a channel of alerts", out: gives[beganJSON](ok)},
		},
		{
			method: post, path: apiAlerts + "/rules/:id/mute", access: token(adminScope), audit: audit.ActionAlertMute, handle: a.apiMute,
			api: contract{does: "Mute a rule of alerts, or what fires of it", in: takes[muteWishJSON](), out: gives[mutedJSON](ok)},
		},
		{
			method: post, path: apiAlerts + "/rules/:id/unmute", access: token(adminScope), audit: audit.ActionAlertMute, handle: a.apiUnmute,
			api: contract{does: "End a mute of alerts", in: mayTake[unmuteJSON](), out: empty(noContent)},
		},
		{
			method: get, path: apiAlerts + "/heartbeat", access: token(readScope), handle: a.apiShowHeartbeat,
			api: contract{does: "Show the heartbeat", out: gives[heartbeatJSON](ok)},
		},
		{
			method: put, path: apiAlerts + "/heartbeat", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiUpdateHeartbeat,
			api: contract{does: "Change the heartbeat", in: takes[heartbeatWishJSON](), out: gives[heartbeatJSON](ok)},
		},
		{
			method: del, path: apiAlerts + "/heartbeat", access: token(adminScope), audit: audit.ActionAlertChange, handle: a.apiDeleteHeartbeat,
			api: contract{does: "Remove the heartbeat", out: empty(noContent)},
		},
		{
			method: post, path: apiAlerts + "/heartbeat/test", access: token(adminScope), audit: audit.ActionAlertTest, handle: a.apiTestHeartbeat,
			api: contract{does: "Send a heartbeat now", out: gives[heartbeatJSON](ok)},
		},
		{
			method: get, path: apiEvents, access: token(readScope), handle: a.apiListEvents,
			api: contract{does: "List what happened to apps and to the server", query: eventsQuery, out: gives[eventsJSON](ok)},
		},

		{
			method: get, path: apiDisks, access: token(readScope), handle: a.apiShowDisks,
			api: contract{does: "Show what grows on the disk", out: gives[disksJSON](ok)},
		},
		{
			method: patch, path: apiDisks, access: token(adminScope), audit: audit.ActionRetentionChange, handle: a.apiUpdateDisks,
			api: contract{does: "Change what is kept", in: takes[retention.Rules](), out: gives[disksJSON](ok)},
		},
		{
			method: post, path: apiDisks + "/clean", access: token(adminScope), audit: audit.ActionDiskClean, handle: a.apiCleanDisks,
			api: contract{does: "Remove what the rules do not keep", out: or(gives[disksJSON](ok), gives[disksJSON](accepted))},
		},
		{
			method: get, path: apiBackups, access: token(readScope), handle: a.apiListBackups,
			api: contract{does: "List the backups", out: gives[backupsJSON](ok)},
		},
		{
			method: post, path: apiBackups, access: token(adminScope), audit: audit.ActionBackupStart, handle: a.apiStartBackup,
			api: contract{does: "Begin a backup", out: gives[beganJSON](accepted)},
		},
		{
			method: post, path: apiBackups + "/drill", access: token(adminScope), audit: audit.ActionBackupDrill, handle: a.apiStartDrill,
			api: contract{does: "Prove the newest backup by a restore that is thrown away", out: gives[beganJSON](accepted)},
		},
		{
			method: get, path: apiBackups + "/settings", access: token(readScope), handle: a.apiShowBackupSettings,
			api: contract{versioned: true, does: "Show how backups are set up", out: gives[backupSettingsJSON](ok)},
		},
		{
			method: put, path: apiBackups + "/settings", access: token(adminScope), audit: audit.ActionBackupSettings, handle: a.apiUpdateBackups,
			api: contract{edits: a.apiShowBackupSettings, does: "Set backups up", in: takes[backupSettingsJSON](), out: empty(noContent)},
		},
		{
			method: get, path: apiVolumes, access: token(readScope), handle: a.apiListVolumes,
			api: contract{does: "List the volumes", out: gives[volumesJSON](ok)},
		},
		{
			method: post, path: apiVolumes, access: token(deployScope), limit: limitVolumeCreate, audit: audit.ActionVolumeCreate, handle: a.apiCreateVolume,
			api: contract{does: "Create a volume", in: takes[volumeWish](), out: gives[volumeJSON](created)},
		},
		{
			method: get, path: apiVol, access: token(readScope), handle: a.apiShowVolume,
			api: contract{does: "Show a volume", out: gives[volumeJSON](ok)},
		},
		{
			method: get, path: apiVol + "/tar", access: token(readScope), handle: a.apiPackFolder,
			api: contract{does: "Download a folder, or the whole volume, as a tar", query: []openapi.Query{{Name: "path", Text: "Of the folder; empty: the volume."}}, out: sends(bytesMedia)},
		},
		{
			method: put, path: apiVol + "/tar", access: token(deployScope), form: inStream, limit: limitVolumeUpload, body: volumes.TarBytes, audit: audit.ActionVolumeUpload, handle: a.apiPutTar,
			api: contract{
				does: "Unpack a tar into a volume, which is made if it is missing", in: openapi.Plain("application/x-tar"), out: empty(noContent),
				query: []openapi.Query{{Name: "way", Text: "Empty: the volume must be empty. replace: the tar replaces all that it holds. merge: the tar replaces what it names."}},
			},
		},
		{
			method: del, path: apiVol + "/files/*path", access: token(deployScope), audit: audit.ActionVolumeFileDelete, handle: a.apiDeleteFile,
			api: contract{does: "Delete a file, or a folder", query: []openapi.Query{{Name: "recursive", Text: "1 deletes a folder with all that is in it."}}, out: empty(noContent)},
		},
		{
			method: post, path: apiVol + "/quota", access: token(adminScope), audit: audit.ActionVolumeQuota, handle: a.apiUpdateQuota,
			api: contract{does: "Change the quota of a volume", in: takes[quotaWish](), out: gives[volumeJSON](ok)},
		},
		{
			method: del, path: apiVol, access: token(adminScope), audit: audit.ActionVolumeDelete, handle: a.apiDeleteVolume,
			api: contract{does: "Delete a volume", out: empty(noContent)},
		},
		{
			method: get, path: apiVol + "/files/*path", access: token(readScope), handle: a.apiShowFile,
			api: contract{does: "Download a file, or list a folder", out: or(gives[entriesJSON](ok), sends(bytesMedia))},
		},
		{
			method: put, path: apiVol + "/files/*path", access: token(deployScope), form: inStream, limit: limitVolumeUpload, body: volumeBody, audit: audit.ActionVolumeUpload, handle: a.apiWriteFile,
			api: contract{does: "Write a file", in: openapi.Plain(bytesMedia), out: empty(noContent)},
		},

		{
			method: get, path: apiDomains, access: token(readScope), handle: a.apiListDomains,
			api: contract{does: "List the hosts with their routes", out: gives[domainsJSON](ok)},
		},
		{
			method: post, path: apiDomains + "/check", access: token(deployScope), audit: audit.ActionHostCheck, handle: a.apiCheckHost,
			api: contract{does: "Check a host again", in: takes[hostWish](), out: gives[hostCheckJSON](ok)},
		},
		{
			method: get, path: apiRoot + "home", access: token(readScope), handle: a.apiShowHome,
			api: contract{versioned: true, does: "Show where / leads", out: gives[homeJSON](ok)},
		},
		{
			method: put, path: apiRoot + "home", access: token(adminScope), audit: audit.ActionHomeChange, handle: a.apiUpdateHome,
			api: contract{edits: a.apiShowHome, does: "Choose where / leads", in: takes[homeWish](), out: gives[homeJSON](ok)},
		},
		{
			method: post, path: apiRoot + "redirects", access: token(adminScope), audit: audit.ActionRedirectChange, handle: a.apiCreateRedirect,
			api: contract{does: "Let a host redirect", in: takes[redirectJSON](), out: gives[domainsJSON](created)},
		},
		{
			method: del, path: apiRoot + "redirects/:host", access: token(adminScope), audit: audit.ActionRedirectChange, handle: a.apiDeleteRedirect,
			api: contract{does: "End a redirect", out: gives[domainsJSON](ok)},
		},

		{
			method: get, path: apiCertificates, access: token(readScope), handle: a.apiListCertificates,
			api: contract{does: "List the hosts with their certificates", out: gives[certificatesJSON](ok)},
		},
		{
			method: get, path: apiCert, access: token(readScope), handle: a.apiShowCertificate,
			api: contract{does: "Show the certificate of a host", out: gives[certificateJSON](ok)},
		},
		{
			method: patch, path: apiCert, access: token(adminScope), audit: audit.ActionDomainChange, handle: a.apiUpdateCertificate,
			api: contract{does: "Change how a host is served", in: takes[certificateWish](), out: gives[certificateJSON](ok)},
		},
		{
			method: put, path: apiCert + "/own", access: token(adminScope), audit: audit.ActionCertificateUpload, handle: a.apiUseOwnCertificate,
			api: contract{does: "Give a host a certificate of your own", in: takes[ownCertificateWish](), out: gives[certificateJSON](ok)},
		},
		{
			method: del, path: apiCert + "/own", access: token(adminScope), audit: audit.ActionCertificateRemove, handle: a.apiDropOwnCertificate,
			api: contract{does: "Remove your own certificate", out: gives[certificateJSON](ok)},
		},
		{
			method: post, path: apiCert + "/again", access: token(adminScope), audit: audit.ActionCertificateAsk, handle: a.apiAskAgain,
			api: contract{does: "Ask for a certificate again", out: gives[certificateJSON](ok)},
		},
		{
			method: get, path: apiRoot + "proxy", access: token(adminScope), handle: a.apiShowProxy,
			api: contract{versioned: true, does: "Show the settings of the proxy", out: gives[proxyJSON](ok)},
		},
		{
			method: patch, path: apiRoot + "proxy", access: token(adminScope), audit: audit.ActionProxySettings, handle: a.apiUpdateProxy,
			api: contract{edits: a.apiShowProxy, does: "Change the settings of the proxy", in: takes[proxyWish](), out: gives[proxyJSON](ok)},
		},

		{
			method: get, path: apiLimits, access: token(adminScope), handle: a.apiListLimits,
			api: contract{does: "List the rate limits", out: gives[limitsJSON](ok)},
		},
		{
			method: put, path: apiLimits + "/:class", access: token(adminScope), audit: audit.ActionRateLimitChange, handle: a.apiUpdateLimit,
			api: contract{does: "Change a rate limit", in: takes[budgetWish](), out: gives[limitsJSON](ok)},
		},
		{
			method: del, path: apiLimits + "/:class", access: token(adminScope), audit: audit.ActionRateLimitChange, handle: a.apiResetLimit,
			api: contract{does: "Bring back the limit of the configuration", out: gives[limitsJSON](ok)},
		},
		{
			method: post, path: apiLimits + "/:class/clear", access: token(adminScope), audit: audit.ActionRateLimitClear, handle: a.apiClearLimit,
			api: contract{does: "Forget what was counted of somebody", in: takes[subjectWish](), out: gives[limitsJSON](ok)},
		},

		{
			method: get, path: apiAccounts, access: token(adminScope), handle: a.apiListAccounts,
			api: contract{does: "List the accounts", out: gives[accountsJSON](ok)},
		},
		{
			method: del, path: apiAccounts + "/:account", access: token(adminScope), audit: audit.ActionAccountRemove, handle: a.apiDeleteAccount,
			api: contract{does: "Remove an account", out: empty(noContent)},
		},
		{
			method: get, path: apiSessions, access: token(adminScope), handle: a.apiListSessions,
			api: contract{does: "List the sessions of an account", out: gives[sessionsJSON](ok)},
		},
		{
			method: del, path: apiSessions, access: token(adminScope), audit: audit.ActionSessionEnd, handle: a.apiEndSessions,
			api: contract{does: "End every session of an account", out: empty(noContent)},
		},
		{
			method: del, path: apiSessions + "/:session", access: token(adminScope), audit: audit.ActionSessionEnd, handle: a.apiEndSession,
			api: contract{does: "End a session of an account", out: empty(noContent)},
		},
		{
			method: get, path: apiTokens, access: token(adminScope), handle: a.apiListTokens,
			api: contract{does: "List the tokens", out: gives[tokensJSON](ok)},
		},
		{
			method: del, path: apiTokens + "/:id", access: token(adminScope), audit: audit.ActionTokenRevoke, handle: a.apiRevokeToken,
			api: contract{does: "Revoke a token", out: empty(noContent)},
		},
		{
			method: get, path: apiKeys, access: token(adminScope), handle: a.apiListKeys,
			api: contract{does: "List the SSH keys", out: gives[keysJSON](ok)},
		},
		{
			method: post, path: apiKeys, access: token(adminScope), audit: audit.ActionKeyAdd, handle: a.apiCreateKey,
			api: contract{does: "Add an SSH key, which pushes with git", in: takes[keyWish](), out: gives[keyJSON](created)},
		},
		{
			method: del, path: apiKeys + "/:id", access: token(adminScope), audit: audit.ActionKeyRemove, handle: a.apiDeleteKey,
			api: contract{does: "Remove an SSH key", out: empty(noContent)},
		},
		{
			method: get, path: apiRegistries, access: token(adminScope), handle: a.apiListRegistries,
			api: contract{does: "List the registries that Berth signs in to", out: gives[registriesJSON](ok)},
		},
		{
			method: put, path: apiRegistries + "/:host", access: token(adminScope), audit: audit.ActionRegistryChange, handle: a.apiSaveRegistry,
			api: contract{does: "Save how Berth signs in to a registry", in: takes[registryWish](), out: gives[registryJSON](ok)},
		},
		{
			method: del, path: apiRegistries + "/:host", access: token(adminScope), audit: audit.ActionRegistryChange, handle: a.apiDeleteRegistry,
			api: contract{does: "Forget how Berth signs in to a registry", out: empty(noContent)},
		},
		{
			method: post, path: apiRegistries + "/:host/test", access: token(adminScope), audit: audit.ActionRegistryTest, handle: a.apiTestRegistry,
			api: contract{does: "Sign in to a registry, to try its login", out: empty(noContent)},
		},
		{
			method: get, path: apiRoot + "ssh", access: token(readScope), handle: a.apiShowSSH,
			api: contract{does: "Show where git pushes over SSH, and the server's own key", out: gives[sshJSON](ok)},
		},

		{
			method: get, path: apiAudit, access: token(adminScope), handle: a.apiListAudit,
			api: contract{does: "List the audit log", query: auditQuery, out: gives[auditJSON](ok)},
		},
		{
			method: get, path: apiAudit + "/export", access: token(adminScope), audit: audit.ActionAuditExport, handle: a.exportAudit,
			api: contract{does: "Download the audit log", query: append([]openapi.Query{{Name: "format", Text: "jsonl or csv."}}, auditFilterQuery...), out: or(sends("application/x-ndjson"), sends("text/csv"))},
		},
		{
			method: post, path: apiAudit + "/verify", access: token(adminScope), audit: audit.ActionAuditVerify, handle: a.apiVerifyAudit,
			api: contract{does: "Check every entry of the audit log", out: gives[verdictJSON](ok)},
		},

		{
			method: post, path: apiLogin, access: public, form: noSession, limit: limitLogin, audit: audit.ActionLoginSuccess, handle: a.apiCreateLogin,
			api: contract{
				does: "Make a token with a name, a password and a second factor",
				in: openapi.URLForm(
					openapi.Part{Name: "username"}, openapi.Part{Name: "password", Required: true}, openapi.Part{Name: "code"}, openapi.Part{Name: "new_password"},
					openapi.Part{Name: fieldTokenName, Required: true}, openapi.Part{Name: fieldTokenScope, Required: true},
					openapi.Part{Name: fieldTokenDays}, openapi.Part{Name: fieldTokenFrom},
				),
				out: gives[loginJSON](created),
			},
		},
		// The last row: it ends the token that asks.
		{
			method: del, path: apiLogin, access: token(metricsScope), audit: audit.ActionTokenRevoke, handle: a.apiDeleteLogin,
			api: contract{does: "End the token that asks", out: empty(noContent)},
		},
	}
}
