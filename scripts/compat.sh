#!/bin/sh
# Runs this program beside another release of it, under load on one database: compat.sh REF, where REF names a commit.
set -eu

cd "$(dirname "$0")/.."
ref=${1:-}
if [ -z "$ref" ]; then
	echo "usage: scripts/compat.sh REF, a commit such as the release that runs now" >&2
	exit 2
fi
commit=$(git rev-parse --verify --quiet "$ref^{commit}") || { echo "$ref names no commit" >&2; exit 2; }
dir=$(mktemp -d)
trap 'git worktree remove --force "$dir/source" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
git worktree add --quiet --detach "$dir/source" "$commit"
(cd "$dir/source" && go build -o "$dir/bin/" ./cmd/server ./cmd/worker)
RINGBACK_OTHER_SERVER="$dir/bin/server" RINGBACK_OTHER_WORKER="$dir/bin/worker" \
	go test ./internal/app/load -run '^TestChaos$' -count 1 -v -timeout 20m
