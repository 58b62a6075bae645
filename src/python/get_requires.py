"""Asks a source distribution what else it is built with (PEP 517). Arguments: answer's file, backend, its folders."""

import importlib
import json
import sys

answer, backend = sys.argv[1:3]
sys.path[0:1] = sys.argv[3:]
module, _, attributes = backend.partition(":")
found = importlib.import_module(module)
for name in attributes.split(".") if attributes else []:
    found = getattr(found, name)
hook = getattr(found, "get_requires_for_build_wheel", None)
requires = hook(None) if hook else []
with open(answer, "w") as file:
    json.dump(list(requires), file)
