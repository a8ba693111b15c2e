#!/bin/sh
# Throws the embedded databases under a folder away, unless one is in use: db-reset.sh FOLDER
set -eu

cd "$(dirname "$0")/.."
folder=$1
[ -d "$folder" ] || exit 0

# The lock file holds the process id of the server's owner, and is emptied when that stops.
find "$folder" -name postgres.lock | while read -r lock; do
	owner=$(cat "$lock")
	if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
		echo "db-reset.sh: $(dirname "$lock") is in use by process $owner: stop it first" >&2
		exit 1
	fi
done
find "$folder" -name postgres.lock -exec dirname {} \; | while read -r home; do
	rm -rf "$home/postgres" "$home"/postgres.new-* "$home"/postgres.log "$home"/postgres.log.1 "$home"/postgres.url "$home"/postgres.lock
	echo "removed the database in $home"
done
