//go:build linux && cgo

package main

import "berth/controller/docker/link"

// serverCommands are what runs on the server itself, and in the containers of the stack.
func serverCommands() []command {
	return []command{
		{name: "server serve", arguments: "[flags]", summary: "run the controller and the admin app", run: runServe},
		{name: "server broker", arguments: "[flags]", summary: "hold the engine's socket for the controller", run: runBroker},
		{name: "server helper", summary: "work in a volume, in a container that the controller makes for it", run: runHelper},
		{name: "server static", arguments: "[flags]", summary: "serve a folder as a static site; what Berth runs such apps with", run: runStatic},
		{name: "server pages", arguments: "[flags]", summary: "answer visitors where no app does, for the proxy", run: runPages},
		{name: "server gate", arguments: "[flags]", summary: "bound connections and pass them on to the proxy, in front of it", run: runGate},
		{name: "server " + link.ExitCommand, arguments: "[flags]", summary: "be the only way out of apps with a list of hosts, in a container that the controller makes", run: runExit},
		{name: "server restore", arguments: "--from FOLDER|URL --key FILE [--list | --app NAME | --volume NAME [--as NAME] | --database FILE | --give-up]", summary: "bring a server back on an empty machine, or a part of one, from a backup", run: runRestore},
		{name: "server recover", arguments: "[--yes]", summary: "make a lost database again from the containers of the apps", run: runRecover},
		{name: "server token", arguments: "[list | revoke ID] [flags]", summary: "mint a token for the API, print it and nothing else; or list them, or revoke one", run: runToken},
		{name: "server passwd", arguments: "[NAME] [flags]", summary: "give an account, else the operator's, a one-time password and end its sessions", run: runPasswd},
		{name: "server limits", arguments: "[flags]", summary: "show who is limited; with --clear let everybody go on", run: runLimits},
		{name: "server audit", arguments: "verify|list|export [flags]", summary: "check the audit log, or print it", run: runAudit},
		{name: "server dashboard", arguments: "[flags]", summary: "print the name and the password of the proxy's dashboard on this machine", run: runDashboard},
		{name: "server fingerprint", arguments: "[flags]", summary: "print the SHA-256 fingerprint of the admin app's certificate, which berth login asks about", run: runFingerprint},
		{name: "server health", arguments: "[flags]", summary: "ask the Berth on this machine whether it is well", run: runHealth},
	}
}
