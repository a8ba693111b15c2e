#!/bin/sh
# Fails if a Go file is not formatted, and names it.
set -eu

cd "$(dirname "$0")/.."
unformatted=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 -r gofmt -l)
if [ -n "$unformatted" ]; then
	printf 'Not formatted, run gofmt -w on:\n%s\n' "$unformatted" >&2
	exit 1
fi
