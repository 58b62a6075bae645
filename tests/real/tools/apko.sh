#!/bin/bash
# apko.sh FOLDER builds FOLDER/apk-install, a small program around apko's own library, once.
set -euo pipefail
source=$(dirname "$0")/apko
stamp=$1/.complete
wanted=$(cat "$source"/* | sha256sum)
mkdir -p "$1"
exec 9>"$1.lock"
flock 9
[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0
export GOPATH=$1/path GOCACHE=$1/cache GOFLAGS="-mod=readonly -modcacherw -buildvcs=false" GOTOOLCHAIN=local CGO_ENABLED=0
(cd "$source" && go build -trimpath -ldflags='-s -w' -o "$1/apk-install" .) >&2
# The program is all that is needed.
rm -rf "$GOPATH" "$GOCACHE"
echo "$wanted" >"$stamp"
