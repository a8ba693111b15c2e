#!/bin/sh
# Makes sure that programs are there: need.sh go postgres cc chromium
# On Debian, as root, what is missing is installed; elsewhere this says what to install.
set -eu

cd "$(dirname "$0")/.."

fail() {
	echo "need.sh: $*" >&2
	exit 1
}

# install DEBIAN-PACKAGES BREW-NAME
install() {
	if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
		echo "Installing $1 …" >&2
		export DEBIAN_FRONTEND=noninteractive
		said=$(apt-get update -qq 2>&1) || fail "apt-get update: $said"
		# shellcheck disable=SC2086 # several packages
		said=$(apt-get install -y -qq --no-install-recommends $1 2>&1) || fail "apt-get install $1: $said"
	elif command -v apt-get >/dev/null; then
		fail "$1 missing: run 'sudo apt-get install -y --no-install-recommends $1'"
	elif command -v brew >/dev/null; then
		fail "$2 missing: run 'brew install $2'"
	else
		fail "$2 missing: install it with this system's package manager"
	fi
}

need_go() {
	wanted=$(sed -n 's/^go //p' go.mod)
	command -v go >/dev/null || fail "Go missing: install Go $wanted or newer from https://go.dev/dl/"
	# Outside the module: inside it, an old toolchain already refuses to say its version.
	found=$(cd / && GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
	oldest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)
	[ "$oldest" = "$wanted" ] && return
	# From 1.21 on, Go fetches the toolchain that go.mod asks for, unless it is told not to.
	[ "$(printf '%s\n1.21\n' "$found" | sort -V | head -n 1)" = 1.21 ] && [ "$(go env GOTOOLCHAIN)" != local ] ||
		fail "Go $found is too old: install Go $wanted or newer from https://go.dev/dl/"
}

# The places where internal/postgres/embedded looks.
has_postgres() {
	command -v initdb >/dev/null && return
	for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /usr/local/pgsql/bin \
		/opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /home/linuxbrew/.linuxbrew/opt/postgresql@*/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin /opt/local/lib/postgresql*/bin; do
		[ -x "$folder/initdb" ] && return
	done
	return 1
}

need_postgres() {
	has_postgres && return
	# Debian's package makes a cluster and starts it as a service; only the programs are wanted here.
	conf=/etc/postgresql-common/createcluster.d/ringback.conf
	if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
		mkdir -p "$(dirname $conf)"
		echo 'create_main_cluster = false' >$conf
	fi
	install postgresql postgresql
	rm -f $conf
}

# The race detector needs a C compiler.
need_cc() {
	command -v cc >/dev/null || command -v gcc >/dev/null || install "gcc libc6-dev" gcc
}

need_chromium() {
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" >/dev/null && return
	done
	[ -d "/Applications/Google Chrome.app" ] || [ -d /Applications/Chromium.app ] || install chromium chromium
}

for what in "$@"; do
	case "$what" in
	go | postgres | cc | chromium) "need_$what" ;;
	*) fail "unknown: $what (known: go, postgres, cc, chromium)" ;;
	esac
done
