# lib - what the parts of a CI run share. Sourced, not run.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Installs Debian packages that are missing; quiet unless it fails.
need() {
	local missing=()
	for package in "$@"; do
		dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# A test that fails is run once more, alone: a busy machine must not stop a change. .ci/run tells which.
again() { # again BUILD-DIRECTORY
	[ -s "$1/Testing/Temporary/LastTestsFailed.log" ] || return 1 # nothing ran: it did not build
	echo "once more, one at a time"
	ctest --test-dir "$1" --rerun-failed --output-on-failure | tee "$1/second.log"
	[ "${PIPESTATUS[0]}" -eq 0 ] || return 1
	sed -n 's/.*Test *#[0-9]*: \([^ ]*\) .*Passed.*/second try: \1/p' "$1/second.log"
}

skip() {
	echo "$*"
	exit 77
}
