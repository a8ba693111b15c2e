#!/bin/sh
# Fails if the Go code made from templates is not what the templates make.
set -eu

cd "$(dirname "$0")/.."

# One line a generated file, with its digest.
digests() {
	git ls-files -z --cached --others --exclude-standard '*_templ.go' | sort -z | xargs -0 -r cksum
}

[ -n "$(git ls-files --cached --others --exclude-standard '*.templ')" ] || exit 0
before=$(digests)
go tool templ generate -log-level error
if [ "$before" != "$(digests)" ]; then
	echo 'Generated code was out of date. It has been made anew ("make generate"): commit it.' >&2
	exit 1
fi
