#!/bin/sh
# Makes the Go code that comes from templates; with --check it fails if that changes anything.
set -eu

cd "$(dirname "$0")/.."

# list PATTERN: the files of the project, committed or not yet.
list() {
	git ls-files --cached --others --exclude-standard "$1"
}

# One line a generated file, with its digest.
digests() {
	list '*_templ.go' | sort | xargs cksum
}

before=$(digests)
# In its own folder each: the generated code names its template by the path from there.
for folder in $(list '*.templ' | sed 's|/[^/]*$||' | sort -u); do
	(cd "$folder" && go tool templ generate -log-level error)
done
if [ "${1:-}" = --check ] && [ "$before" != "$(digests)" ]; then
	echo 'Generated code was out of date. It has been made anew: commit it.' >&2
	exit 1
fi
