"""Asks the real zc.buildout what configs mean.

Reads one JSON object a line, {"files": {name: text}}, and answers each with one line:
{"fatal": message} when the config does not load, else {"sections": {...}, "errors": {...}, "order": [...] or null,
"annotated": [text, verbose text]}.
Nothing is installed: a recipe only sets `location` where its section has none.
"""

import contextlib
import io
import json
import logging
import os
import sys
import tempfile

import zc.buildout.buildout as real

logging.disable(logging.CRITICAL)


def initialize(options):
    if options.get("location") is None:
        parts = options.buildout["buildout"]["parts-directory"]
        options["location"] = os.path.join(parts, options.name)


def profile_base(parse):
    """As SlapOS's buildout does: a section that mentions its file's folder has it as an option."""

    def wrapped(file, name, *rest):
        sections = parse(file, name, *rest)
        for section in sections.values():
            if any("${:_profile_base_location_}" in value for value in section.values()):
                section["_profile_base_location_"] = os.path.dirname(name)
        return sections

    return wrapped


def fresh(buildout):
    """A buildout that knows the files and [buildout], and nothing that was asked before."""
    copy = real.Buildout.__new__(real.Buildout)
    copy.__dict__.update(buildout.__dict__)
    copy._data = {"buildout": buildout._data["buildout"]}
    copy._parts = []
    return copy


def annotated(buildout, folder, verbose):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        real._print_annotate(buildout._annotated, verbose, [], folder)
    return text.getvalue()


def answer(files, folder):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="") as file:
            file.write(text)
    os.chdir(folder)
    try:
        buildout = real.Buildout("buildout.cfg", [], False, "annotate")
    except Exception as error:
        return {"fatal": "%s: %s" % (type(error).__name__, error)}
    sections, errors, early = {}, {}, list(buildout._parts)
    for name in sorted(buildout._raw):
        try:
            options = buildout["buildout"] if name == "buildout" else fresh(buildout)[name]
            sections[name] = {key: options.get(key) for key in options.keys()}
        except Exception as error:
            errors[name] = "%s: %s" % (type(error).__name__, error)
    try:
        copy = fresh(buildout)
        # What [buildout] and [versions] refer to was made before.
        copy._data, copy._parts = dict(buildout._data), list(early)
        for part in (copy["buildout"].get("parts") or "").split():
            copy[part]["recipe"]
        order = copy._parts
    except Exception:
        order = None
    texts = [annotated(buildout, folder, verbose) for verbose in (False, True)]
    return {"sections": sections, "errors": errors, "order": order, "annotated": texts}


def main():
    real.Options.initialize = initialize
    real.Buildout._setup_logging = lambda self: None
    real.zc.buildout.configparser.parse = profile_base(real.zc.buildout.configparser.parse)
    sys.setrecursionlimit(2000)
    stdout = os.fdopen(os.dup(1), "w")
    # What buildout itself prints is nobody's answer.
    os.dup2(2, 1)
    for line in sys.stdin:
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            result = json.dumps(answer(json.loads(line)["files"], folder))
            os.chdir("/")
        print(result.replace(folder, "@FOLDER@"), file=stdout, flush=True)


main()
