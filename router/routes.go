package router

import (
	"net/http"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/tagwatch"
	"berth/router/help"
)

// route is one line of the table.
type route struct {
	method string
	path   string
	access access
	form   formToken    // how a browser's request proves that it came from our form
	limit  limit.Class  // which budget a request is counted against, beside those of counted
	body   int64        // bytes that the request may carry; 0 is smallBody
	stream bool         // an event stream: same origin only, and no sign of life of the person
	audit  audit.Action // what the audit log calls it; empty only where nothing is changed
	edits  edited       // what the form of a page shows of what is there
	again  refused      // shows the form again where the request does not fit in a limit; nil: a page that says so
	handle handler

	api contract // what a row of the API takes and answers
}

// handler answers a request that was let in, or says why not.
type handler func(*visit) error

// refused answers a request that was not let in, with what was typed.
type refused func(*visit, *problem.Problem) error

// access says who is let in. The zero value lets nobody in.
type access struct {
	public  bool          // everybody
	session bool          // a person who is signed in
	scope   account.Scope // a bearer whose token has at least this scope; empty: no bearer
}

var (
	public   = access{public: true}
	signedIn = access{session: true}
)

func token(scope account.Scope) access { return access{scope: scope} }

func signedInOrToken(scope account.Scope) access { return access{session: true, scope: scope} }

// formToken is how a request with a session carries the form token. The zero
// value is the strict one.
type formToken uint8

const (
	inBody     formToken = iota // a field of the parsed form, checked before the handler runs
	inStream                    // a part of the upload before the file, checked by readUpload
	noSession                   // none: the request asks no session and begins none, so there is nothing to borrow
	signedBody                  // likewise; a signature over the body proves it, so nobody reads the body before the handler
)

const (
	get   = http.MethodGet
	post  = http.MethodPost
	put   = http.MethodPut
	patch = http.MethodPatch
	del   = http.MethodDelete
)

const (
	metricsScope = account.ScopeMetrics
	readScope    = account.ScopeRead
	deployScope  = account.ScopeDeploy
	adminScope   = account.ScopeAdmin
)

// apiApps and apiDomains are the APIs of apps and of hosts. limit.Containers and limit.Hosts
// count all of them, and limit.Notifications counts all of apiAlerts.
const (
	apiApps    = "/api/v1/apps"
	apiDomains = "/api/v1/domains"
)

const (
	apiVolumes   = "/api/v1/volumes"
	apiChecklist = "/api/v1/checklist"
	limitsPath   = "/settings/limits"
	machinePath  = "/settings/machine"
)

// prometheusPath is where Prometheus looks by itself.
const prometheusPath = "/metrics"

// The paths that are open to all and know no session.
const (
	healthPath = "/healthz"
	staticPath = "/static/*file"
)

// routes is the whole surface of the admin app.
func (a *admin) routes() []route { //nolint:revive // as long as the surface is: one table shows all of it
	const (
		app     = "/admin/apps/:name"
		release = app + "/releases/:number"
		factor  = "/settings/second-factor"
		account = "/settings/accounts/:account"
		volume  = "/volumes/:volume"
		domain  = "/settings/certificates/:host"
	)
	return append([]route{
		{method: get, path: healthPath, access: public, handle: a.showHealth},
		{method: get, path: staticPath, access: public, handle: a.showStatic},
		{method: get, path: prometheusPath, access: token(metricsScope), handle: a.showPrometheus},

		{method: post, path: webhookRoute, access: public, form: signedBody, body: deliveryBody, audit: audit.ActionAppUpdate, handle: a.receiveWebhook},

		{method: post, path: tagHookRoute, access: public, form: signedBody, body: tagwatch.MostBody + 1, audit: audit.ActionAppUpdate, handle: a.receiveTagHook},

		{method: get, path: "/login", access: public, handle: a.showLogin},
		{method: post, path: "/login", access: public, limit: limitLogin, audit: audit.ActionLoginSuccess, again: a.loginLimited, handle: a.createLogin},
		{method: get, path: loginCodePath, access: public, handle: a.showLoginCode},
		{method: post, path: loginCodePath, access: public, limit: limitLogin, audit: audit.ActionLoginSuccess, again: a.loginCodeLimited, handle: a.createLoginCode},
		{method: post, path: "/logout", access: signedIn, audit: audit.ActionLogout, handle: a.createLogout},
		{method: get, path: "/password", access: signedIn, handle: a.showPassword},
		{method: post, path: "/password", access: signedIn, limit: limitLogin, audit: audit.ActionPasswordChange, again: a.passwordLimited, handle: a.updatePassword},

		{method: get, path: "/settings", access: signedIn, handle: a.showSettings},
		{method: get, path: "/settings/account", access: signedIn, handle: a.showPassword},
		{method: get, path: factor, access: signedIn, handle: a.showSecondFactor},
		{method: get, path: factor + "/qr.png", access: signedIn, handle: a.showQR},
		{method: post, path: factor + "/begin", access: signedIn, limit: limitLogin, audit: audit.ActionSecondFactorBegin, again: a.secondFactorLimited, handle: a.beginSecondFactor},
		{method: post, path: factor + "/confirm", access: signedIn, limit: limitLogin, audit: audit.ActionSecondFactorEnable, again: a.secondFactorLimited, handle: a.createSecondFactor},
		{method: post, path: factor + "/disable", access: signedIn, limit: limitLogin, audit: audit.ActionSecondFactorDisable, again: a.secondFactorLimited, handle: a.deleteSecondFactor},
		{method: post, path: factor + "/codes", access: signedIn, limit: limitLogin, audit: audit.ActionRecoveryCodesRenew, again: a.secondFactorLimited, handle: a.renewRecoveryCodes},
		{method: post, path: factor + "/codes/download", access: signedIn, audit: audit.ActionRecoveryCodesDownload, again: a.recoveryCodesLimited, handle: a.downloadRecoveryCodes},
		{method: post, path: factor + "/decline", access: signedIn, audit: audit.ActionSecondFactorDecline, handle: a.declineSecondFactor},
		{method: get, path: "/settings/sessions", access: signedIn, handle: a.showSessions},
		{method: post, path: "/settings/sessions/end", access: signedIn, audit: audit.ActionSessionEnd, handle: a.deleteSession},
		{method: post, path: "/settings/sessions/end-others", access: signedIn, audit: audit.ActionSessionEnd, handle: a.deleteOtherSessions},
		{method: get, path: "/settings/accounts", access: signedIn, handle: a.showAccounts},
		{method: post, path: "/settings/accounts", access: signedIn, audit: audit.ActionAccountCreate, handle: a.createAccount},
		{method: get, path: account, access: signedIn, handle: a.showAccount},
		{method: post, path: account + "/reset", access: signedIn, audit: audit.ActionPasswordReset, handle: a.resetPassword},
		{method: post, path: account + "/remove", access: signedIn, audit: audit.ActionAccountRemove, handle: a.deleteAccount},
		{method: post, path: account + "/remove-second-factor", access: signedIn, audit: audit.ActionSecondFactorDisable, handle: a.removeSecondFactor},

		{method: get, path: hostsPath, access: signedIn, handle: a.showHosts},
		{method: post, path: hostsPath + "/check", access: signedIn, audit: audit.ActionHostCheck, handle: a.checkHostAgain},
		{method: post, path: hostsPath + "/home", access: signedIn, audit: audit.ActionHomeChange, edits: edited{show: shownBy(a.apiShowHome), again: a.homeAgain}, handle: a.updateHome},
		{method: post, path: hostsPath + "/redirects", access: signedIn, audit: audit.ActionRedirectChange, handle: a.createRedirect},
		{method: post, path: hostsPath + "/redirects/remove", access: signedIn, audit: audit.ActionRedirectChange, handle: a.deleteRedirect},
		{method: get, path: "/settings/certificates", access: signedIn, handle: a.showCertificates},
		{method: get, path: domain, access: signedIn, handle: a.showCertificate},
		{method: post, path: domain, access: signedIn, audit: audit.ActionDomainChange, edits: edited{show: a.editedDomain, again: a.domainAgain}, handle: a.updateDomain},
		{method: post, path: domain + "/own", access: signedIn, audit: audit.ActionCertificateUpload, handle: a.useOwnCertificate},
		{method: post, path: domain + "/own/remove", access: signedIn, audit: audit.ActionCertificateRemove, handle: a.dropOwnCertificate},
		{method: post, path: domain + "/again", access: signedIn, audit: audit.ActionCertificateAsk, handle: a.askAgain},
		{method: get, path: "/settings/proxy", access: signedIn, handle: a.showProxySettings},
		{method: get, path: machinePath, access: signedIn, handle: a.showMachine},
		{method: get, path: machinePath + "/metrics", access: signedIn, handle: a.showServerMetrics},
		{method: get, path: disksPath, access: signedIn, handle: a.showDisks},
		{method: post, path: disksPath, access: signedIn, audit: audit.ActionRetentionChange, edits: edited{show: a.editedRetention, again: a.disksAgain}, handle: a.updateDisks},
		{method: post, path: disksPath + "/clean", access: signedIn, audit: audit.ActionDiskClean, handle: a.cleanDisks},
		{method: get, path: alertsPath, access: signedIn, handle: a.showAlerts},
		{method: get, path: channelsPath, access: signedIn, handle: a.newChannel},
		{method: post, path: channelsPath, access: signedIn, audit: audit.ActionAlertChange, handle: a.createChannel},
		{method: get, path: channelsPath + "/:id", access: signedIn, handle: a.showChannel},
		{method: post, path: channelsPath + "/:id", access: signedIn, audit: audit.ActionAlertChange, edits: edited{show: a.editedChannel, again: a.channelAgain}, handle: a.updateChannel},
		{method: post, path: channelsPath + "/:id/test", access: signedIn, audit: audit.ActionAlertTest, handle: a.testChannel},
		{method: post, path: channelsPath + "/:id/remove", access: signedIn, audit: audit.ActionAlertChange, handle: a.deleteChannel},
		{method: get, path: rulesPath, access: signedIn, handle: a.newRule},
		{method: post, path: rulesPath, access: signedIn, audit: audit.ActionAlertChange, handle: a.createRule},
		{method: get, path: rulesPath + "/:id", access: signedIn, handle: a.showRule},
		{method: post, path: rulesPath + "/:id", access: signedIn, audit: audit.ActionAlertChange, edits: edited{show: a.editedRule, again: a.ruleAgain}, handle: a.updateRule},
		{method: post, path: rulesPath + "/:id/remove", access: signedIn, audit: audit.ActionAlertChange, handle: a.deleteRule},
		{method: post, path: rulesPath + "/:id/mute", access: signedIn, audit: audit.ActionAlertMute, handle: a.muteAlert},
		{method: post, path: rulesPath + "/:id/unmute", access: signedIn, audit: audit.ActionAlertMute, handle: a.unmuteAlert},
		{method: get, path: heartbeatPath, access: signedIn, handle: a.showHeartbeat},
		{method: post, path: heartbeatPath, access: signedIn, audit: audit.ActionAlertChange, edits: edited{show: a.editedHeartbeat, again: a.heartbeatAgain}, handle: a.updateHeartbeat},
		{method: post, path: heartbeatPath + "/test", access: signedIn, audit: audit.ActionAlertTest, handle: a.testHeartbeat},
		{method: post, path: heartbeatPath + "/remove", access: signedIn, audit: audit.ActionAlertChange, handle: a.deleteHeartbeat},
		{method: get, path: registriesPath, access: signedIn, handle: a.showRegistries},
		{method: post, path: registriesPath, access: signedIn, audit: audit.ActionRegistryChange, handle: a.createRegistry},
		{method: post, path: registriesPath + "/:host/test", access: signedIn, audit: audit.ActionRegistryTest, handle: a.testRegistry},
		{method: post, path: registriesPath + "/:host/remove", access: signedIn, audit: audit.ActionRegistryChange, handle: a.deleteRegistry},
		{method: get, path: backupsPath, access: signedIn, handle: a.showBackups},
		{method: get, path: backupsPath + "/events", access: signedIn, stream: true, handle: a.streamBackups},
		{method: post, path: backupsPath, access: signedIn, audit: audit.ActionBackupSettings, edits: edited{show: shownBy(a.apiShowBackupSettings), again: a.backupsAgain}, handle: a.updateBackups},
		{method: post, path: backupsPath + "/key", access: signedIn, audit: audit.ActionBackupKey, handle: a.createBackupKey},
		{method: post, path: backupsPath + "/drill", access: signedIn, audit: audit.ActionBackupDrill, handle: a.startDrill},
		{method: post, path: backupsPath + "/now", access: signedIn, audit: audit.ActionBackupStart, handle: a.startBackup},
		{method: post, path: "/settings/proxy", access: signedIn, audit: audit.ActionProxySettings, edits: edited{show: shownBy(a.apiShowProxy), again: a.proxyAgain}, handle: a.updateProxySettings},

		{method: get, path: checklistPath, access: signedIn, handle: a.showChecklist},
		{method: post, path: checklistPath + "/check", access: signedIn, audit: audit.ActionChecklistCheck, handle: a.checkListAgain},
		{method: post, path: checklistPath + "/probe", access: signedIn, audit: audit.ActionProbeRun, handle: a.runProbe},
		{method: get, path: limitsPath, access: signedIn, handle: a.showLimits},
		{method: post, path: limitsPath, access: signedIn, audit: audit.ActionRateLimitChange, edits: edited{field: "class", show: a.editedLimit, again: a.limitAgain}, handle: a.updateLimit},
		{method: post, path: "/settings/limits/clear", access: signedIn, audit: audit.ActionRateLimitClear, handle: a.clearLimit},

		{method: get, path: "/settings/audit", access: signedIn, handle: a.showAudit},
		{method: get, path: "/settings/audit/export", access: signedIn, audit: audit.ActionAuditExport, handle: a.exportAudit},
		{method: post, path: "/settings/audit/verify", access: signedIn, audit: audit.ActionAuditVerify, handle: a.verifyAudit},
		{method: get, path: "/settings/tokens", access: signedIn, handle: a.showTokens},
		{method: post, path: "/settings/tokens", access: signedIn, audit: audit.ActionTokenCreate, handle: a.createToken},
		{method: post, path: "/settings/tokens/:id/revoke", access: signedIn, audit: audit.ActionTokenRevoke, handle: a.revokeToken},

		{method: get, path: keysPath, access: signedIn, handle: a.showKeys},
		{method: post, path: keysPath, access: signedIn, audit: audit.ActionKeyAdd, handle: a.createKey},
		{method: post, path: keysPath + "/:id/remove", access: signedIn, audit: audit.ActionKeyRemove, handle: a.deleteKey},

		{method: get, path: "/", access: signedIn, handle: a.showHome},
		{method: get, path: "/admin", access: signedIn, handle: a.showDashboard},
		{method: get, path: "/admin/events", access: signedIn, stream: true, handle: a.streamDashboard},
		{method: get, path: eventsPath, access: signedIn, handle: a.showEvents},
		{method: get, path: "/upload", access: signedIn, handle: a.showUpload},
		{method: post, path: "/upload", access: signedInOrToken(deployScope), form: inStream, limit: limitUpload, body: archiveBody, audit: audit.ActionAppCreate, again: a.uploadLimited, handle: a.createApp},
		{method: post, path: themePath, access: signedIn, handle: a.updateTheme},
		{method: get, path: help.Path, access: signedIn, handle: a.showHelp},
		{method: get, path: help.Path + "/:guide", access: signedIn, handle: a.showGuide},
		{method: get, path: referencePath, access: signedIn, handle: a.showReference},
		{method: get, path: referencePath + "/openapi.json", access: signedIn, handle: a.apiShowDocument},
		{method: get, path: supportedPath, access: signedIn, handle: a.showSupported},
		{method: get, path: heldPath, access: signedIn, handle: a.downloadHeldDockerfile},

		{method: get, path: app, access: signedIn, handle: a.showApp},
		{method: get, path: app + "/events", access: signedIn, stream: true, handle: a.streamApp},
		{method: post, path: app + "/update", access: signedInOrToken(deployScope), form: inStream, limit: limitUpdate, body: archiveBody, audit: audit.ActionAppUpdate, again: a.updateLimited, handle: a.updateApp},
		{method: post, path: app + "/start", access: signedIn, audit: audit.ActionAppStart, handle: a.startApp},
		{method: post, path: app + "/stop", access: signedIn, audit: audit.ActionAppStop, handle: a.stopApp},
		{method: post, path: app + "/restart", access: signedIn, audit: audit.ActionAppRestart, handle: a.restartApp},
		{method: post, path: app + "/delete", access: signedIn, audit: audit.ActionAppDelete, handle: a.deleteApp},
		{method: post, path: app + "/rollback", access: signedIn, audit: audit.ActionAppRollback, handle: a.rollBackApp},
		{method: post, path: app + "/settings", access: signedIn, audit: audit.ActionAppSettings, edits: edited{show: a.ofApp(editedLimits), again: a.onSettings()}, handle: a.updateSettings},
		{method: post, path: app + "/egress", access: signedIn, audit: audit.ActionEgressChange, edits: edited{show: a.ofApp(editedEgress), again: a.onApp(a.refuseEgress)}, handle: a.updateEgress},
		{method: post, path: app + "/backup-hook", access: signedIn, audit: audit.ActionBackupHook, edits: edited{show: a.editedHook, again: a.onSettings()}, handle: a.updateHook},
		{method: post, path: app + "/egress/allow", access: signedIn, audit: audit.ActionEgressChange, handle: a.allowHost},
		{method: post, path: app + "/push", access: signedIn, audit: audit.ActionAppSettings, edits: edited{show: a.editedPush, again: a.onSettings()}, handle: a.updatePush},
		{method: post, path: app + "/webhook", access: signedIn, audit: audit.ActionAppSettings, edits: edited{show: shownBy(a.apiShowWebhook), again: a.onSettings()}, handle: a.updateWebhook},
		{method: post, path: app + "/webhook/renew", access: signedIn, audit: audit.ActionAppSettings, handle: a.remakeWebhook},
		{method: post, path: app + "/webhook/fetch", access: signedIn, audit: audit.ActionAppUpdate, handle: a.fetchBranch},
		{method: post, path: app + "/image-tag", access: signedIn, audit: audit.ActionAppSettings, edits: edited{show: a.editedTagWatch, again: a.onSettings()}, handle: a.updateTagWatch},
		{method: post, path: app + "/image-tag/check", access: signedIn, audit: audit.ActionAppUpdate, handle: a.checkTag},
		{method: post, path: app + "/image-tag/hook", access: signedIn, audit: audit.ActionAppSettings, handle: a.createTagHook},
		{method: post, path: app + "/image-tag/hook/remove", access: signedIn, audit: audit.ActionAppSettings, handle: a.deleteTagHook},
		{method: post, path: app + "/labels", access: signedIn, audit: audit.ActionAppSettings, edits: edited{show: a.ofApp(editedLabels), again: a.onSettings()}, handle: a.updateLabels},
		{method: post, path: app + "/move/end", access: signedIn, audit: audit.ActionAppMove, handle: a.endMove},
		{method: post, path: app + "/rename", access: signedIn, audit: audit.ActionAppRename, handle: a.renameApp},
		{method: post, path: app + "/duplicate", access: signedIn, limit: limitUpload, audit: audit.ActionAppCreate, handle: a.duplicateApp},
		{method: get, path: app + "/environment", access: signedIn, handle: a.showEnvironment},
		{method: post, path: app + "/environment", access: signedIn, audit: audit.ActionEnvironmentChange, edits: edited{field: fieldOldVariable, show: a.editedVariable, again: a.onApp(a.refuseOnEnvironment)}, handle: a.setVariable},
		{method: post, path: app + "/environment/import", access: signedIn, audit: audit.ActionEnvironmentChange, handle: a.importVariables},
		{method: post, path: app + "/environment/delete", access: signedIn, audit: audit.ActionEnvironmentChange, handle: a.deleteVariable},
		{method: post, path: app + "/environment/apply", access: signedIn, audit: audit.ActionEnvironmentApply, handle: a.applyEnvironment},
		{method: get, path: app + "/releases", access: signedIn, handle: a.showReleases},
		{method: get, path: app + "/settings", access: signedIn, handle: a.showAppSettings},
		{method: get, path: app + "/volumes", access: signedIn, handle: a.showAppVolumes},
		{method: post, path: app + "/volumes", access: signedIn, limit: limitVolumeCreate, audit: audit.ActionVolumeCreate, again: a.appVolumeLimited, handle: a.createAppVolume},
		{method: post, path: app + "/mounts", access: signedIn, audit: audit.ActionVolumeMount, edits: edited{show: a.ofApp(editedMounts), again: a.mountsAgain}, handle: a.updateMounts},
		{method: get, path: app + "/routes", access: signedIn, handle: a.showRoutes},
		{method: post, path: app + "/routes", access: signedIn, audit: audit.ActionRouteChange, edits: edited{field: fieldOldRoute, show: a.editedRoute, again: a.routeAgain}, handle: a.createRoute},
		{method: post, path: app + "/routes/remove", access: signedIn, audit: audit.ActionRouteChange, handle: a.deleteRoute},
		{method: post, path: app + "/ports", access: signedIn, audit: audit.ActionPortChange, handle: a.createPort},
		{method: post, path: app + "/ports/remove", access: signedIn, audit: audit.ActionPortChange, handle: a.deletePort},
		{method: post, path: app + "/routes/check", access: signedIn, audit: audit.ActionHostCheck, handle: a.checkRoute},
		{method: get, path: app + "/access", access: signedIn, handle: a.showAccess},
		{method: post, path: app + "/access", access: signedIn, audit: audit.ActionAppAccess, edits: edited{show: a.ofApp(editedRules), again: a.onApp(a.refuseOnAccess)}, handle: a.updateAccessRules},
		{method: post, path: app + "/access/users", access: signedIn, audit: audit.ActionAppAccess, handle: a.setAccessUser},
		{method: post, path: app + "/access/users/remove", access: signedIn, audit: audit.ActionAppAccess, handle: a.removeAccessUser},
		{method: post, path: app + "/access/password", access: signedIn, audit: audit.ActionAppAccess, handle: a.switchPassword},
		{method: post, path: app + "/access/maintenance", access: signedIn, audit: audit.ActionAppAccess, edits: edited{show: a.ofApp(editedMaintenance), again: a.onApp(a.refuseOnAccess)}, handle: a.updateMaintenance},
		{method: get, path: app + "/metrics", access: signedIn, handle: a.showAppMetrics},
		{method: get, path: app + "/logs", access: signedIn, handle: a.showLogs},
		{method: get, path: app + "/logs/lines", access: signedIn, handle: a.showOlderLogs},
		{method: get, path: app + "/logs/events", access: signedIn, stream: true, handle: a.streamLogs},
		{method: get, path: app + "/logs/download", access: signedIn, handle: a.downloadLogs},
		{method: get, path: app + "/output", access: signedIn, handle: a.showOutput},
		{method: get, path: app + "/output/events", access: signedIn, stream: true, handle: a.streamOutput},
		{method: get, path: app + "/output/download", access: signedIn, handle: a.downloadOutput},

		{method: get, path: release, access: signedIn, handle: a.showRelease},
		{method: get, path: release + "/events", access: signedIn, stream: true, handle: a.streamRelease},
		{method: get, path: release + "/log", access: signedIn, handle: a.downloadLog},
		{method: get, path: release + "/diff", access: signedIn, handle: a.showDiff},
		{method: get, path: release + "/archive", access: signedIn, audit: audit.ActionReleaseArchive, handle: a.downloadArchive},
		{method: post, path: release + "/cancel", access: signedIn, audit: audit.ActionReleaseCancel, handle: a.cancelRelease},
		{method: post, path: release + "/retry", access: signedIn, audit: audit.ActionReleaseRetry, handle: a.retryRelease},

		{method: get, path: "/volumes", access: signedIn, handle: a.showVolumes},
		{method: post, path: "/volumes", access: signedIn, limit: limitVolumeCreate, audit: audit.ActionVolumeCreate, again: a.volumesLimited, handle: a.createVolume},
		{method: get, path: volume, access: signedIn, handle: a.showVolume},
		{method: get, path: volume + "/file", access: signedIn, handle: a.downloadFile},
		{method: get, path: volume + "/tar", access: signedIn, handle: a.downloadFolder},
		{method: post, path: volume + "/upload", access: signedIn, form: inStream, limit: limitVolumeUpload, body: volumeBody, audit: audit.ActionVolumeUpload, again: a.filesLimited, handle: a.uploadFiles},
		{method: get, path: volume + "/remove", access: signedIn, handle: a.showRemoval},
		{method: post, path: volume + "/remove", access: signedIn, audit: audit.ActionVolumeFileDelete, handle: a.removeFile},
		{method: post, path: volume + "/quota", access: signedIn, audit: audit.ActionVolumeQuota, edits: edited{show: a.editedQuota, again: a.quotaAgain}, handle: a.updateQuota},
		{method: post, path: volume + "/delete", access: signedIn, audit: audit.ActionVolumeDelete, handle: a.deleteVolume},

		{method: get, path: gitPath + ":repository/info/refs", access: token(deployScope), handle: a.advertiseRefs},
		{method: post, path: gitPath + ":repository/git-receive-pack", access: token(deployScope), form: inStream, limit: limitUpdate, body: archiveBody, audit: audit.ActionAppUpdate, handle: a.receivePush},
	}, a.apiRoutes()...)
}
