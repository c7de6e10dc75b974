#!/bin/sh
# compile.sh - the program in docs/strategy.md is one that compiles, without a warning: a page of code that nobody runs rots.
#
#   docs/compile.sh [CC]
set -eu
cd "$(dirname "$0")/.."
code=$(sed -n '/^```c$/,/^```$/{/^```/d;p}' docs/strategy.md)
[ -n "$code" ] || { echo "docs/strategy.md has no program"; exit 1; }
printf '%s\n' "$code" | "${1:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
	-fsyntax-only -I. -x c -
