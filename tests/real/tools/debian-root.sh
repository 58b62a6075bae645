#!/bin/sh
# Makes the smallest Debian root with gcc and make in a folder, by debootstrap and from the archive that apt uses here.
set -eu
folder=$1
[ -e "$folder.complete" ] && exit 0
# shellcheck source=/dev/null
. /etc/os-release
# The archive of this very release; security updates are another one.
archive=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | awk -v release="$VERSION_CODENAME" '$2 == release { print $1; exit }')
rm -rf "$folder"
debootstrap --variant=minbase --include=gcc,make,libc6-dev "$VERSION_CODENAME" "$folder" "$archive" >&2
touch "$folder.complete"
