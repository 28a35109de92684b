# What `make up` writes for an engine that it installs, and how such an engine is known again. Sourced after stack.sh.
# shellcheck shell=bash

readonly daemon_settings=/etc/docker/daemon.json

# daemon_settings_text - apps run on when the engine is restarted or dies, and what builds leave behind does not fill the
# disk: before version 23 an engine keeps all of it. With this driver all builds have one cgroup in common, on every
# machine; with systemd's each build is a scope among those of the apps, and there is nothing to limit them by.
daemon_settings_text() {
	cat <<-'JSON'
		{
		  "live-restore": true,
		  "exec-opts": ["native.cgroupdriver=cgroupfs"],
		  "builder": { "gc": { "enabled": true, "defaultKeepStorage": "10GB" } }
		}
	JSON
}

# earlier_settings_text - what the first versions wrote. It stays as it is: the driver cannot change below apps that run,
# and it is cgroupfs without that line too where no systemd runs.
earlier_settings_text() {
	cat <<-'JSON'
		{
		  "live-restore": true,
		  "builder": { "gc": { "enabled": true, "defaultKeepStorage": "10GB" } }
		}
	JSON
}

# is_own_engine - says whether `make up` configured the engine. Any other belongs to an administrator, who may say that
# builds are to be fenced in there too (BERTH_FENCE_BUILDS=yes), or not here either (no).
is_own_engine() {
	local found
	case ${BERTH_FENCE_BUILDS:-} in
	yes) return 0 ;;
	no) return 1 ;;
	'') ;;
	*) fail "BERTH_FENCE_BUILDS is '$BERTH_FENCE_BUILDS'" 'say yes or no, or leave it out' ;;
	esac
	[[ $BERTH_DOCKER_SOCKET == /var/run/docker.sock && -r $daemon_settings ]] || return 1
	found=$(<"$daemon_settings")
	[[ $found == "$(daemon_settings_text)" || $found == "$(earlier_settings_text)" ]]
}

# may_be_root - says whether as_root works without a question to the person who runs `make up`.
may_be_root() {
	((EUID == 0)) || sudo -n true 2>/dev/null
}
