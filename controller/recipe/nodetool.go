package recipe

import (
	"regexp"
	"strings"

	"berth/controller/problem"
)

// nodeTool is a package manager: how it installs the packages of a lock file.
type nodeTool struct {
	name        string
	lock        string // its lock file in the archive; empty if there is none
	setup       string // installs the tool itself
	environment string // NAME=value of the build, separated by spaces
	cache       string // folder to keep from build to build
	install     string
	prune       string // removes the packages that only the build needs
	wantsAll    bool   // the install reads more files than package.json and the lock
}

// program is the program that runs the scripts of package.json.
func (t nodeTool) program() string { return t.name }

func (t nodeTool) cached(line string) string {
	return "--mount=type=cache,target=" + t.cache + " " + line
}

// nodeTool finds the package manager by its lock file.
func (p *project) nodeTool(description nodePackage) (nodeTool, error) {
	if lock := p.first("pnpm-lock.yaml"); lock != "" {
		return p.pnpm(description, lock)
	}
	if lock := p.first("bun.lock", "bun.lockb"); lock != "" {
		return nodeTool{
			name: "bun", lock: lock, cache: "/root/.bun/install/cache", install: "bun install --frozen-lockfile",
			prune: "rm -rf node_modules && bun install --frozen-lockfile --production",
		}, nil
	}
	if lock := p.first("yarn.lock"); lock != "" {
		return p.yarn(description, lock)
	}
	tool := nodeTool{name: "npm", cache: "/root/.npm", install: "npm install", prune: "npm prune --omit=dev"}
	if lock := p.first("package-lock.json", "npm-shrinkwrap.json"); lock != "" {
		tool.lock, tool.install = lock, "npm ci"
	}
	return tool, nil
}

var (
	// managerPattern is the packageManager field: a name, a version and perhaps a checksum.
	managerPattern = regexp.MustCompile(`^(npm|pnpm|yarn|bun)@([0-9]{1,3}\.[0-9]{1,4}\.[0-9]{1,4})(?:-[0-9A-Za-z.-]{1,40})?(?:\+[0-9A-Za-z.]{1,200})?$`)
	pnpmLock       = regexp.MustCompile(`(?m)^lockfileVersion:\s*['"]?([0-9]+)`)
)

// managerVersion returns the version that package.json names for a tool, or the given
// default.
func managerVersion(description nodePackage, name, otherwise string) (string, error) {
	field := description.PackageManager
	if field == "" {
		return otherwise, nil
	}
	found := managerPattern.FindStringSubmatch(field)
	if found == nil {
		return "", &problem.Refusal{
			File: packageJSON, Reason: "The packageManager field does not name a tool and its version.",
			Hint: `Write it as "pnpm@10.4.1", or leave it out.`,
		}
	}
	if found[1] != name {
		return otherwise, nil
	}
	return found[2], nil
}

// pnpm returns pnpm in the version that wrote the lock file.
func (p *project) pnpm(description nodePackage, lock string) (nodeTool, error) {
	text, err := p.readLock(lock)
	if err != nil {
		return nodeTool{}, err
	}
	otherwise := "10"
	if found := pnpmLock.FindStringSubmatch(text); found != nil {
		switch found[1] {
		case "5":
			otherwise = "7"
		case "6":
			otherwise = "8"
		}
	}
	version, err := managerVersion(description, "pnpm", otherwise)
	if err != nil {
		return nodeTool{}, err
	}
	return nodeTool{
		name: "pnpm", lock: lock, setup: "npm install --global pnpm@" + version, environment: "npm_config_store_dir=/pnpm/store",
		cache: "/pnpm/store", install: "pnpm install --frozen-lockfile", prune: "pnpm prune --prod",
	}, nil
}

// yarn returns classic or modern Yarn, by the form of the lock file.
func (p *project) yarn(description nodePackage, lock string) (nodeTool, error) {
	text, err := p.readLock(lock)
	if err != nil {
		return nodeTool{}, err
	}
	classic := !strings.Contains(text, "\n__metadata:")
	otherwise := "4"
	if classic {
		otherwise = "1"
	}
	version, err := managerVersion(description, "yarn", otherwise)
	if err != nil {
		return nodeTool{}, err
	}
	if classic {
		return nodeTool{
			name: "yarn", lock: lock, setup: "npm install --global --force yarn@" + version, cache: "/usr/local/share/.cache/yarn",
			install: "yarn install --frozen-lockfile",
			prune:   "yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline",
		}, nil
	}
	return nodeTool{
		name: "yarn", lock: lock, setup: "npm install --global --force @yarnpkg/cli-dist@" + version,
		environment: "YARN_NODE_LINKER=node-modules YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER=/yarn", cache: "/yarn",
		install: "yarn install --immutable", prune: "yarn workspaces focus --all --production", wantsAll: true,
	}, nil
}
