#!/bin/sh
# Fails if there is a function that no program can reach, and names it. What only tests call is dead code as well.
set -eu

cd "$(dirname "$0")/.."
# What the tests of several packages share: the simulation, of which the demo uses a part, and the helpers and suites.
shared='^internal/(sim/|voice/contract/|([a-z]+/)*[a-z]+test/)'
found=$(${GO:-go} tool -modfile=tools/go.mod deadcode ./...)
dead=$(printf '%s' "$found" | grep -vE "$shared" || true)
if [ -n "$dead" ]; then
	printf 'No program calls, remove or move to a _test.go file:\n%s\n' "$dead" >&2
	exit 1
fi
