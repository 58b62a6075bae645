#!/bin/bash
# apt-source.sh FOLDER PACKAGE... downloads the upstream tarballs of Debian source packages into FOLDER.
#
# Where the sources are is asked of the machine's own apt; deb-src is switched on in a private configuration only.
# Prints `PACKAGE FILE` lines. A run that finds everything there already uses no network.
set -euo pipefail
export LC_ALL=C
mkdir -p "$1"
out=$(cd "$1" && pwd -P)
shift
private=$out/.apt
mkdir -p "$private"/{lists/partial,cache/archives/partial,sources.list.d,log,done,empty}

# One at a time: the lock goes when this script ends.
exec 9>"$private/lock"
flock 9

missing=()
for package; do
	sums=$private/done/$package
	if ! { [ -f "$sums" ] && (cd "$out" && sha256sum --status -c "$sums" 2>/dev/null); }; then
		missing+=("$package")
	fi
done

if [ ${#missing[@]} -gt 0 ]; then
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	: >"$private/sources.list"
	rm -f "$private"/sources.list.d/*
	one_line() {
		sed -nE 's/^[[:space:]]*deb(-src)?([[:space:]])/deb-src\2/p' "$1" | awk '!seen[$0]++'
	}
	stanzas() {
		awk 'tolower($0) ~ /^types[ \t]*:/ { print "Types: deb-src"; skip = 1; next }
		     skip && /^[ \t]/ { next }
		     { skip = 0; print }' "$1"
	}
	[ ! -f "$list" ] || one_line "$list" >"$private/sources.list"
	for file in "$parts"/*.list "$parts"/*.sources; do
		[ -f "$file" ] || continue
		name=$(basename "$file")
		case $name in
		*.list) one_line "$file" >"$private/sources.list.d/$name" ;;
		*.sources) stanzas "$file" >"$private/sources.list.d/$name" ;;
		esac
	done
	# Given with -c, since apt.conf.d would win over APT_CONFIG. The machine's hooks are not for a private run.
	: >"$private/status"
	cat >"$private/apt.conf" <<CONF
Dir::Etc::sourcelist "$private/sources.list";
Dir::Etc::sourceparts "$private/sources.list.d";
Dir::State::lists "$private/lists";
Dir::State::status "$private/status";
Dir::State::extended_states "$private/extended_states";
Dir::Cache "$private/cache";
Dir::Cache::archives "$private/cache/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Log "$private/log";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
	# apt's own user cannot enter a folder that is ours alone.
	[ "$(id -u)" != 0 ] || echo 'APT::Sandbox::User "root";' >>"$private/apt.conf"
	apt() { apt-get -c "$private/apt.conf" -q "$@"; }
	if [ -z "$(find "$private/lists" -maxdepth 1 -name '*_Sources*' -mmin -360 -print -quit)" ]; then
		apt update >&2 || echo "apt-source: the lists are not all fresh; going on" >&2
	fi
	for package in "${missing[@]}"; do
		# In an empty folder --print-uris names exactly the files that belong to the package.
		(cd "$private/empty" && apt source --only-source --download-only --print-uris --tar-only "$package") |
			sed -nE "s/^'[^']*' ([^ ]+) [0-9]+ SHA256:([0-9a-f]{64})$/\2  \1/p" >"$private/done/$package.new"
		[ -s "$private/done/$package.new" ] || {
			echo "apt-source: there is no source package $package" >&2
			exit 1
		}
		(cd "$out" && apt source --only-source --download-only --tar-only "$package" >&2)
		(cd "$out" && sha256sum --quiet -c "$private/done/$package.new")
		mv "$private/done/$package.new" "$private/done/$package"
	done
fi
for package; do
	awk -v package="$package" '{ print package, $2 }' "$private/done/$package"
done
