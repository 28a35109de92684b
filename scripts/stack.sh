# The settings of one stack, each from the environment or its default, and the few commands that need them. Sourced.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$repository" || exit 1
# shellcheck source=scripts/say.sh
. scripts/say.sh

# A setting of the environment wins over the same one in .env, where Compose finds it too.
export BERTH_ENV_FILE="${BERTH_ENV_FILE:-$repository/.env}"
if [[ -f $BERTH_ENV_FILE ]]; then
	while IFS='=' read -r setting value || [[ -n $setting ]]; do
		[[ $setting =~ ^[A-Z][A-Z0-9_]*$ && -z ${!setting+set} ]] || continue
		[[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]] && value=${BASH_REMATCH[1]}
		export "$setting=$value"
	done <"$BERTH_ENV_FILE"
fi

export BERTH_STACK="${BERTH_STACK:-berth}"
export BERTH_HTTP_PORT="${BERTH_HTTP_PORT:-80}"
export BERTH_HTTPS_PORT="${BERTH_HTTPS_PORT:-443}"
export BERTH_ADMIN_PORT="${BERTH_ADMIN_PORT:-8001}"
export BERTH_DASHBOARD_PORT="${BERTH_DASHBOARD_PORT:-8080}"
export BERTH_SUBNET_POOL="${BERTH_SUBNET_POOL:-10.201.0.0/16}"
export BERTH_IMAGE="${BERTH_IMAGE:-berth:local}"
export BERTH_DOCKER_SOCKET="${BERTH_DOCKER_SOCKET:-/var/run/docker.sock}"

[[ $BERTH_STACK =~ ^[a-z][a-z0-9-]{0,30}$ ]] ||
	fail "BERTH_STACK is '$BERTH_STACK'" 'use a lower case letter, then at most 30 letters, digits and dashes'
export BERTH_SSH_ADDRESS="${BERTH_SSH_ADDRESS:-127.0.0.1}"
[[ $BERTH_SSH_ADDRESS =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$|^\[[0-9a-f:]+\]$ ]] ||
	fail "BERTH_SSH_ADDRESS is '$BERTH_SSH_ADDRESS'" 'give it an address of this machine: 127.0.0.1, 0.0.0.0 for all of them, or one like [::1]'
# Off without a port.
[[ ${BERTH_SSH_PORT:-0} != 0 ]] || unset BERTH_SSH_PORT
for setting in BERTH_HTTP_PORT BERTH_HTTPS_PORT BERTH_ADMIN_PORT BERTH_DASHBOARD_PORT ${BERTH_SSH_PORT+BERTH_SSH_PORT}; do
	if ! [[ ${!setting} =~ ^[1-9][0-9]{0,4}$ ]] || ((${!setting} > 65535)); then
		fail "$setting is '${!setting}'" 'give it a port from 1 to 65535'
	fi
done
# The public ports of apps beside HTTP and HTTPS, one by one: 2222/tcp. The controller knows them as BERTH_PORTS.
public_ports=()
IFS=', ' read -r -a allowed_ports <<<"${BERTH_PORTS:-}"
for part in "${allowed_ports[@]}"; do
	if ! [[ ${part,,} =~ ^([1-9][0-9]{0,4})(-([1-9][0-9]{0,4}))?(/(tcp|udp))?$ ]] || ((BASH_REMATCH[1] > 65535 || ${BASH_REMATCH[3]:-1} > 65535)); then
		fail "BERTH_PORTS holds '$part'" 'give it ports with commas between, such as 2222,25565/udp,30000-30019'
	fi
	for ((port = BASH_REMATCH[1]; port <= ${BASH_REMATCH[3]:-${BASH_REMATCH[1]}}; port++)); do
		public_ports+=("$port/${BASH_REMATCH[5]:-tcp}")
		((${#public_ports[@]} <= 64)) || fail "BERTH_PORTS holds more than 64 ports" 'allow fewer ports'
		case $port in
		80 | 443 | 8000 | 8080 | 8081 | 8443 | "$BERTH_HTTP_PORT" | "$BERTH_HTTPS_PORT" | "$BERTH_ADMIN_PORT" | "$BERTH_DASHBOARD_PORT" | "${BERTH_SSH_PORT:-none}")
			fail "BERTH_PORTS holds port $port, which belongs to Berth and its proxy" 'choose another port, such as 25565'
			;;
		esac
	done
done
[[ $BERTH_SUBNET_POOL =~ ^([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})\.0/(8|9|1[0-9]|2[0-4])$ ]] ||
	fail "BERTH_SUBNET_POOL is '$BERTH_SUBNET_POOL'" 'give it a network of /8 to /24 that ends in .0, like 10.201.0.0/16'

# The edge network is the first /27 of the pool, so a second stack needs to name its pool only.
export BERTH_EDGE_SUBNET="${BERTH_EDGE_SUBNET:-${BASH_REMATCH[1]}.0/27}"
export BERTH_PROXY_ADDRESS="${BERTH_PROXY_ADDRESS:-${BASH_REMATCH[1]}.2}"
export BERTH_CONTROLLER_ADDRESS="${BERTH_CONTROLLER_ADDRESS:-${BASH_REMATCH[1]}.3}"
export BERTH_PAGES_ADDRESS="${BERTH_PAGES_ADDRESS:-${BASH_REMATCH[1]}.4}"
export BERTH_GATE_ADDRESS="${BERTH_GATE_ADDRESS:-${BASH_REMATCH[1]}.5}"

cache=$repository/.cache
state=$repository/.berth/$BERTH_STACK
export PATH="$cache/bin:$PATH:/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin"
export DOCKER_HOST="unix://$BERTH_DOCKER_SOCKET"
unset DOCKER_CONTEXT

# Where scripts/traefik leaves the name of the image that it chose.
chosen_traefik=$state/traefik-image
# Where scripts/budgets leaves the cgroup of the apps, where it has made one.
apps_cgroup=$state/apps-cgroup

umask 022
mkdir -p "$cache/bin"
(umask 077 && mkdir -p "$state")

# as_root COMMAND... - runs it as root: as it is, or through sudo.
as_root() {
	if ((EUID == 0)); then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		fail "$1 needs root, and there is no sudo" "run the same command as root"
	fi
}

# resolvers - the name servers that the engine gives to containers, with commas between; it leaves out those on loopback.
resolvers() {
	sed -nE 's/^[[:space:]]*nameserver[[:space:]]+([0-9]+(\.[0-9]+){3})[[:space:]]*$/\1/p' \
		/etc/resolv.conf /run/systemd/resolve/resolv.conf 2>/dev/null | grep -v '^127\.' | sort --unique | paste --serial --delimiters=, || true
}

# install_packages PACKAGE... - installs what is missing with apt.
install_packages() {
	local missing=() package
	for package in "$@"; do
		dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	command -v apt-get >/dev/null ||
		fail "this machine lacks ${missing[*]} and has no apt-get" "install them with the machine's own package manager, then run it again"
	local apt_log=$state/apt.log
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" </dev/null >"$apt_log" 2>&1 && return 0
	# Package lists that were never fetched, or are too old to match the mirror, look just like a missing package.
	as_root apt-get update </dev/null >"$apt_log" 2>&1 || true
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" </dev/null >>"$apt_log" 2>&1 ||
		fail "apt-get could not install ${missing[*]}" "see the lines above; 'apt-get install ${missing[*]}' must work" "$apt_log"
}

# compose ARGUMENT... - Docker Compose on this stack, plugin or standalone.
compose() {
	local files=(--file docker-compose.yml)
	[[ -f $chosen_traefik ]] && BERTH_TRAEFIK_IMAGE=$(<"$chosen_traefik") && export BERTH_TRAEFIK_IMAGE
	[[ -n ${BERTH_CGROUP:-} || ! -f $apps_cgroup ]] || { BERTH_CGROUP=$(<"$apps_cgroup") && export BERTH_CGROUP; }
	[[ -f $state/compose.json ]] && files+=(--file "$state/compose.json")
	if [[ -x $cache/bin/docker-compose ]]; then
		"$cache/bin/docker-compose" "${files[@]}" "$@"
	else
		docker compose "${files[@]}" "$@"
	fi
}

# take_turn FILE - waits until no other script holds it, and holds it until this one ends.
take_turn() {
	exec 9>"$1"
	flock --nonblock 9 && return
	warn "another run is under way here; waiting until it ends"
	flock 9
}

# wait_for SECONDS COMMAND... - repeats the command until it succeeds; false when the time is over.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.2
	done
}

# controller COMMAND... - runs a command of the berth binary inside the running controller.
controller() {
	docker exec "$BERTH_STACK-berth" /berth "$@"
}

# without_settings COMMAND... - runs it without the operator's settings, because tests must run alike everywhere.
without_settings() {
	local names
	mapfile -t names < <(compgen -e | grep --extended-regexp '^(BERTH_.*|MILKCRATE_.*|SECRET_KEY(_FILE)?|SSL_KEY_FILE|FORCE_HTTPS|LETSENCRYPT_EMAIL)$')
	env "${names[@]/#/--unset=}" "$@"
}

# in_memory COMMAND... - runs it with its temporary files in memory, where there is enough that programs can be run from:
# the unit tests confirm thousands of commits to the disk. What go builds stays on the disk.
in_memory() (
	free=$(df --output=avail --block-size=1M /dev/shm 2>/dev/null | tail -n 1) || free=0
	if ((free >= 2048)) && folder=$(mktemp --directory /dev/shm/berth-tests.XXXXXX); then
		trap 'rm -rf "$folder"' EXIT
		printf '#!/bin/sh\n' >"$folder/probe" && chmod +x "$folder/probe"
		if "$folder/probe" 2>/dev/null; then
			export GOTMPDIR=${TMPDIR:-/tmp}
			export TMPDIR=$folder
		fi
	fi
	"$@"
)
