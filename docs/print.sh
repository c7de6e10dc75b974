#!/bin/sh
# print.sh - prints the pages of docs/ from the programs themselves, so that they cannot say anything else.
#
#   docs/print.sh            writes docs/{events,settings,metrics,wiring,cli}.md
#   docs/print.sh --check    writes nothing; exits 1 and says which are stale
#
# NJ_BIN is the folder of the programs; by default the one of the preset dev.
set -eu
cd "$(dirname "$0")/.."
bin=${NJ_BIN:-build/dev/bin}
services="collector strategy executor persister watchdog"
pages="events settings metrics wiring cli"
note="Printed by the programs (docs/print.sh); do not edit."

page() {
	case $1 in
	events) "$bin/nj" events ;;
	cli) "$bin/nj" help --markdown ;;
	settings)
		printf '# Settings\n\n%s\n\n' "$note"
		printf '%s\n' 'A setting comes from `--set section.key=value`, else from the environment' \
			'(`NIGHTJAR_SECTION__KEY`), else from the file, else it has its default.' \
			'`nightjar-NAME --check-config` tells what is wrong, `--print-config` what is in force and why.' ''
		"$bin/nightjar-collector" --docs shared
		for s in $services; do "$bin/nightjar-$s" --docs settings; done
		;;
	metrics | wiring)
		title=$(printf '%s' "$1" | sed 's/^m/M/; s/^w/W/')
		printf '# %s\n\n%s\n\n' "$title" "$note"
		[ "$1" != metrics ] || "$bin/nightjar-collector" --docs shared_metrics
		for s in $services; do "$bin/nightjar-$s" --docs "$1"; done
		;;
	esac
}

if [ "${1:-}" != --check ]; then
	for p in $pages; do
		page "$p" >"docs/$p.md.new"
		mv "docs/$p.md.new" "docs/$p.md"
	done
	exit 0
fi

stale=
for p in $pages; do
	page "$p" | cmp -s - "docs/$p.md" || stale="$stale docs/$p.md"
done
if [ -n "$stale" ]; then
	echo "stale:$stale" >&2
	echo "run docs/print.sh and commit what it writes" >&2
	exit 1
fi
echo "5 pages are what the programs print"
