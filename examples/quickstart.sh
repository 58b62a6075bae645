#!/bin/sh
# The main job, start to end, on this machine and without the internet: builds hardtack, packs a small project whose
# source is downloaded over loopback, stops the server, installs the bundle with no network and runs the program.
#
# Needs cargo, a C compiler, make and tar. Everything it makes goes to a folder of its own, which it names.
set -eu
cd "$(dirname "$0")/.."
here=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/hardtack-quickstart.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :' EXIT

step() {
	printf '\n== %s\n' "$*"
}

step "building a static hardtack"
hardtack=$(sh examples/static.sh)
cargo build --quiet --locked --example serve
echo "$hardtack"

step "serving the source of a small program on loopback"
mkdir "$work/www" "$work/project"
tar -C fixtures -czf "$work/www/hello-1.0.tar.gz" hello-1.0
mkfifo "$work/open"
target/debug/examples/serve "$work/www" <"$work/open" >"$work/port" &
server=$!
# Held open, the pipe keeps the server going; it is closed to stop it.
exec 9>"$work/open"
until [ -s "$work/port" ]; do sleep 0.05; done
port=$(cat "$work/port")

cat >"$work/project/buildout.cfg" <<CONFIG
[buildout]
parts = hello

[hardtack]
name = quickstart
version = 1.0

[hello]
recipe = zc.recipe.cmmi
url = http://127.0.0.1:$port/hello-1.0.tar.gz
CONFIG
cat "$work/project/buildout.cfg"

step "hardtack bundle"
cd "$work"
HARDTACK_CACHE_DIR=$work/cache "$hardtack" bundle project

step "stopping the server"
exec 9>&-
wait "$server" || :
server=

step "tar xzf quickstart-1.0.tar.gz; ./install, with an empty environment"
mkdir "$work/site"
tar -C "$work/site" -xzf quickstart-1.0.tar.gz
env -i PATH=/usr/bin:/bin "$work/site/quickstart-1.0/install" "$work/installed"

step "running what was installed"
"$work/installed/parts/hello/bin/hello"
printf '\nEverything is in %s\n' "$work"
cd "$here"
