# Lines for people: what a step does, how long it took, and how to fix what failed. Sourced.
# shellcheck shell=bash

step_text=''
step_start=0

# step TEXT - opens a step; done_with closes it. On a terminal the line shows while the work runs.
step() {
	step_text=$1
	step_start=$(date +%s%N)
	[[ -t 1 ]] && printf '  ... %s\r' "$step_text"
	return 0
}

# done_with RESULT [MARK] - prints the one line of the step: what it did, its result (may be empty), the seconds it
# took. MARK stands in the place of ok.
done_with() {
	local milliseconds=$((($(date +%s%N) - step_start) / 1000000))
	printf '  %-3s %s%s (%d.%d s)\n' "${2:-ok}" "$step_text" "${1:+: $1}" $((milliseconds / 1000)) $((milliseconds % 1000 / 100))
	step_text=''
}

# warn TEXT - something a person should know that does not stop the work.
warn() {
	printf '  !   %s\n' "$1" >&2
}

# fail TEXT FIX [LOG] - the end: what was wrong and what to do, with the last lines of LOG above them.
fail() {
	[[ -n ${3:-} && -s ${3:-} ]] && tail -n 20 -- "$3" | sed 's/^/      | /' >&2
	printf '  FAILED  %s. Fix: %s\n' "${step_text:+$step_text: }$1" "$2" >&2
	exit 1
}
