#!/bin/sh
# Fuzzes every fuzz test for a while: fuzz.sh [TIME], such as 10s.
set -eu

cd "$(dirname "$0")/.."
time=${1:-10s}
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
	done
done
