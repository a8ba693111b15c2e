#!/bin/sh
# Runs two servers and two workers on one database, one pair with an older configuration, and kills them at random; then
# kills a server under full load: chaos.sh
set -eu

cd "$(dirname "$0")/.."
RINGBACK_CHAOS_LONG=1 exec go test ./internal/app/load -run '^Test(Chaos|Kill)$' -count 1 -v -timeout 20m
