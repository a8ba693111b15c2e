#!/bin/sh
# Takes the newest time zone data from Debian's tzdata packages and embeds it: update-tzdata.sh
set -eu

cd "$(dirname "$0")/.."
for program in apt-get dpkg-deb gzip; do
	command -v $program >/dev/null || { echo "update-tzdata.sh: $program is missing: run this on Debian" >&2; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
apt-get update -qq
# Since Debian 13 the older names, such as Asia/Calcutta, are in a package of their own.
packages=tzdata
apt-cache show tzdata-legacy >/dev/null 2>&1 && packages='tzdata tzdata-legacy'
(cd "$work" && for package in $packages; do apt-get download -qq "$package" >/dev/null; done)
for deb in "$work"/*.deb; do
	dpkg-deb -x "$deb" "$work/files"
done

version=$(sed -n '1s/^# version //p' "$work/files/usr/share/zoneinfo/tzdata.zi")
[ -n "$version" ] || { echo 'update-tzdata.sh: the package does not tell its version' >&2; exit 1; }
read -r old _ <internal/zoneinfo/VERSION
newest=$(printf '%s\n' "$old" "$version" | LC_ALL=C sort | tail -n 1)
[ "$newest" = "$version" ] || { echo "update-tzdata.sh: the package has $version, which is older than $old" >&2; exit 1; }
released=$(gzip -dc "$work/files/usr/share/doc/tzdata/changelog.gz" | sed -n "s/^Release $version - \([0-9-]*\) .*/\1/p")
[ -n "$released" ] || { echo "update-tzdata.sh: the package does not tell when $version was released" >&2; exit 1; }
go run ./internal/zoneinfo/pack "$work/files/usr/share/zoneinfo" internal/zoneinfo/zoneinfo.zip
cp "$work/files/usr/share/doc/tzdata/copyright" internal/zoneinfo/LICENSE
echo "$version $released" >internal/zoneinfo/VERSION
echo "time zone data $version"
