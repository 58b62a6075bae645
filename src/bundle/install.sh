#!/bin/sh
# Builds and installs @NAME@ @VERSION@ from the files beside this script. No network is used.
# Usage: ./install [DEST] [options of hardtack install]
set -u

say() {
	printf '%s\n' "install: $*" >&2
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || {
	say "failed to find the folder of this script"
	exit 4
}
machine=$(uname -m 2>/dev/null) || machine=unknown
case $machine in
amd64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
i386 | i486 | i586) machine=i686 ;;
esac
program=$here/.hardtack/bin/$machine-linux/hardtack

if [ ! -f "$program" ]; then
	carried=
	for folder in "$here"/.hardtack/bin/*/; do
		[ -d "$folder" ] && carried="$carried $(basename "$folder")"
	done
	if [ -z "$carried" ]; then
		say "this bundle carries no installer"
	else
		say "this bundle carries no installer for this machine ($machine-linux), only:$carried"
	fi
	say "with hardtack on this machine: hardtack install $here"
	say "by hand: see $here/.hardtack/README.txt"
	exit 4
fi

# A folder for the program, where the bundle lies on a file system that runs nothing.
if [ -n "${HARDTACK_RUN_DIR:-}" ]; then
	mkdir -p "$HARDTACK_RUN_DIR" &&
		cp "$program" "$HARDTACK_RUN_DIR/hardtack.$$" &&
		chmod 755 "$HARDTACK_RUN_DIR/hardtack.$$" || {
		say "failed to copy the installer to $HARDTACK_RUN_DIR"
		exit 4
	}
	program=$HARDTACK_RUN_DIR/hardtack.$$
	trap 'rm -f "$program"' EXIT
	trap 'exit 130' INT TERM
elif [ ! -x "$program" ]; then
	chmod u+x "$program" 2>/dev/null || :
fi

if ! said=$("$program" --version 2>&1); then
	say "the installer does not start: $said"
	case $said in
	*GLIBC_* | *libc.so* | *ld-linux* | *"not found"* | *"No such file"*)
		say "this machine's C library is too old for it, or another one: bundle again with a static hardtack"
		;;
	*)
		say "is $here on a file system mounted noexec, or does a policy forbid programs there?"
		say "name a folder where programs may run: HARDTACK_RUN_DIR=/some/folder $0"
		;;
	esac
	exit 4
fi

if [ -n "${HARDTACK_RUN_DIR:-}" ]; then
	"$program" install "$here" "$@"
	exit $?
fi
exec "$program" install "$here" "$@"
