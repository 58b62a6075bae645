#!/bin/sh
# @NAME@ @VERSION@, which installs itself. What it does: sh @FILE@ --help
set -u
name=@NAME@-@VERSION@
header=@HEADER@
size=@SIZE@
unpacked=@UNPACKED@
sha256=@SHA256@

say() {
	printf '%s\n' "$name: $*" >&2
}

fail() {
	say "$*"
	exit 4
}

usage() {
	cat <<END
Builds and installs @NAME@ @VERSION@, with no network.

Usage: sh $self [DEST [options of hardtack install]]
       sh $self --list                  what is in it
       sh $self --verify                whether it is whole
       sh $self --extract-only [DIR]    unpacks it, to DIR/$name

DEST is ./$name unless it is named. It is unpacked beside DEST and removed from there again.
HARDTACK_RUN_DIR names a folder for the installer where DEST may not run programs.
END
}

case $0 in
*/*) self=$0 ;;
*) if [ -f "./$0" ]; then self=./$0; else self=$(command -v -- "$0") || self=$0; fi ;;
esac
[ -r "$self" ] || fail "failed to find the file itself, which is called as $0"

archive() {
	tail -c "+$((header + 1))" "$self"
}

tarball() {
	archive | @DECOMPRESS@
}

verify() {
	there=$(($(wc -c <"$self")))
	[ "$there" -eq "$((header + size))" ] ||
		fail "it has $there bytes, not $((header + size)): it was cut short or changed; copy it again"
	if command -v sha256sum >/dev/null 2>&1; then
		found=$(archive | sha256sum)
	elif command -v shasum >/dev/null 2>&1; then
		found=$(archive | shasum -a 256)
	elif command -v openssl >/dev/null 2>&1; then
		found=$(archive | openssl dgst -sha256 -r)
	else
		say "nothing here computes SHA-256; its length is right, and the installer checks every byte"
		return 0
	fi
	[ "${found%% *}" = "$sha256" ] || fail "it was changed: its SHA-256 is ${found%% *}, not $sha256; copy it again"
}

# Room is asked for before anything is written.
extract() {
	mkdir -p -- "$1" || fail "failed to make $1"
	free=$(df -Pk -- "$1" 2>/dev/null | tail -n 1)
	# shellcheck disable=SC2086
	set -- "$1" ${free:-}
	free=${5:-}
	case $free in
	'' | *[!0-9]*) ;;
	*) [ "$free" -ge "$unpacked" ] || fail "$1 has $free KiB free, and $unpacked are needed to unpack it" ;;
	esac
	tarball | (cd -- "$1" && tar xf -) || fail "failed to unpack it to $1"
	[ -f "$1/$name/SHA256SUMS" ] || fail "failed to unpack it to $1"
@SIGNATURE@
}

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
--list)
	tarball | tar tf -
	exit $?
	;;
--verify)
	verify
	say "it is whole"
	exit 0
	;;
--extract-only)
	verify
	extract "${2:-.}"
	say "unpacked to ${2:-.}/$name; its install script goes on"
	exit 0
	;;
esac

dest=./$name
case ${1:-} in
--)
	shift
	[ -n "${1:-}" ] && dest=./$1 && shift
	;;
-*) ;;
*)
	if [ "$#" -gt 0 ]; then
		dest=$1
		shift
	fi
	[ -n "$dest" ] || fail "DEST is empty"
	;;
esac
# A folder that is there may be called in ways that say nothing of what it lies in.
if [ -d "$dest" ]; then
	dest=$(CDPATH='' cd -- "$dest" && pwd -P) || fail "failed to enter $dest"
fi
above=$(dirname -- "$dest")
mkdir -p -- "$above" || fail "failed to make $above"
above=$(CDPATH='' cd -- "$above" && pwd -P) || fail "failed to enter $above"
dest=$above/$(basename -- "$dest")
verify
work=$above/.$name.$$
# Nobody else's, and nobody else may put anything into it.
(umask 077 && mkdir -- "$work") || fail "failed to make $work; if it is left from another time, remove it"
trap 'rm -rf -- "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
extract "$work"
# The installer ends as it must; its status is the one to tell.
trap : HUP INT TERM
sh "$work/$name/install" "$dest" "$@"
exit $?
