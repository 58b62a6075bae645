#!/bin/bash
# classic.sh FOLDER makes a Python 2 environment with zc.recipe.cmmi 1.2.2, the last to use the classic cache layout.
# Needs a python2.7 on PATH or among pyenv's versions; exits 3 without one.
set -euo pipefail
stamp=$1/.complete
mkdir -p "$(dirname "$1")"
exec 9>"$1.lock"
flock 9
[ ! -e "$stamp" ] || exit 0
python2=
for program in "$(command -v python2.7 || :)" "$HOME"/.pyenv/versions/2.7.*/bin/python2.7; do
	# pyenv puts stand-ins on PATH that may start nothing.
	if [ -x "$program" ] && "$program" -c '' 2>/dev/null; then
		python2=$program
	fi
done
[ -n "$python2" ] || exit 3
rm -rf "$1" "$1.maker"
python3 -m venv "$1.maker"
"$1.maker/bin/python" -m pip install -q --disable-pip-version-check virtualenv==20.21.1 >&2
"$1.maker/bin/virtualenv" -q -p "$python2" "$1" >&2
"$1/bin/pip" install -q 'setuptools<45' zc.recipe.cmmi==1.2.2 zc.buildout==1.4.4 >&2
touch "$stamp"
