#!/bin/bash
# buildout.sh FOLDER makes a Python environment with zc.buildout and the recipes we know, once.
set -euo pipefail
stamp=$1/.complete
wanted='zc.buildout==6.0.1 zc.recipe.cmmi==5.1 setuptools<81 slapos.recipe.cmmi==0.23 slapos.recipe.build==0.66
	hexagonit.recipe.cmmi==2.0 hexagonit.recipe.download==1.7.1 plone.recipe.command==1.1 collective.recipe.cmd==1.0.0
	z3c.recipe.mkdir==2.1 collective.recipe.template==3.0.0 slapos.recipe.template==5.1 jinja2==3.1.6'
mkdir -p "$(dirname "$1")"
exec 9>"$1.lock"
flock 9
[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0
python3 -m venv --clear "$1"
# shellcheck disable=SC2086
"$1/bin/python" -m pip install -q --disable-pip-version-check $wanted wheel >&2
echo "$wanted" >"$stamp"
