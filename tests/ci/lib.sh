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

skip() {
	echo "$*"
	exit 77
}
