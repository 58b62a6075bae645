"""Writes the programs of installed distributions to a folder. ABOUT, set before, says which."""

import importlib.metadata
import json
import os
import pathlib
import re
import sys

ABOUT = json.loads(ABOUT)
LIBRARY = pathlib.Path(ABOUT["library"])
SCRIPTS = ABOUT["scripts"]
BIN = pathlib.Path(SCRIPTS["bin"])

# Linux gives up on longer first lines; and blanks end the name of the program there.
LONGEST = 127

CALL = """\
{start}
{initialization}import {module}

if __name__ == '__main__':
    sys.exit({module}.{attribute}({arguments}))
"""

RUN = """\
{start}
{initialization}import runpy

if __name__ == '__main__':
    sys.argv[0] = {path!r}
    runpy.run_path({path!r}, run_name='__main__')
"""

INTERPRETER = """\
{start}
{initialization}if __name__ == '__main__':
    _words, _stay, _run, _code = sys.argv[1:], False, None, None
    while _words and _run is None and _words[0].startswith('-') and _words[0] != '-':
        _word = _words.pop(0)
        if _word == '--':
            break
        for _at, _option in enumerate(_word[1:], 2):
            if _option in 'cm':
                if not _word[_at:] and not _words:
                    sys.exit('argument expected for the -' + _option + ' option')
                _run, _code = _option, _word[_at:] or _words.pop(0)
                break
            if _option not in 'iI':
                sys.exit('unknown option -' + _option + ': known are -i, -c, -m and -I, which changes nothing')
            _stay = _stay or _option == 'i'
    if _run == 'm':
        import runpy

        sys.argv = [_code, *_words]
        globals().update(runpy.run_module(_code, run_name='__main__', alter_sys=True))
    elif _run == 'c':
        sys.argv = ['-c', *_words]
        exec(compile(_code, '<string>', 'exec'), globals())
    elif _words and _words[0] != '-':
        import os

        sys.argv = _words
        __file__ = _words[0]
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        with open(__file__, 'rb') as _file:
            _code = _file.read()
        exec(compile(_code, __file__, 'exec'), globals())
    elif sys.stdin.isatty():
        _stay = True
    else:
        sys.argv = ['-', *_words[1:]]
        exec(compile(sys.stdin.read(), '<stdin>', 'exec'), globals())
    if _stay:
        from code import interact

        interact(local=globals())
"""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def start():
    """The first lines of every program: which Python, and where it looks."""
    first = "#!" + sys.executable
    if len(first) > LONGEST or " " in first:
        first = "#!/bin/sh\n'''exec' \"{}\" \"$0\" \"$@\"\n'''".format(sys.executable)
    paths = "".join("    {!r},\n".format(path) for path in [str(LIBRARY), *SCRIPTS["extra-paths"]])
    lines = "{}\nimport sys\n\nsys.path[0:0] = [\n{}]\n".format(first, paths)
    if list(LIBRARY.glob("*.pth")):
        lines += "\nimport site\n\nsite.addsitedir({!r})\n".format(str(LIBRARY))
    return lines


def write(name, template, **values):
    text = SCRIPTS["initialization"].strip("\n")
    text = template.format(start=start(), initialization=text + "\n\n" if text else "", **values)
    path = BIN / name
    new = BIN / (name + ".hardtack-new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o755)
    new.replace(path)
    print("wrote", path)


def link(name, target):
    path = BIN / name
    if path.parent.resolve() / path.name == target:
        return
    if path.is_symlink() or path.exists():
        path.unlink()
    path.symlink_to(os.path.relpath(target, BIN))
    print("linked", path)


installed = {normal(found.metadata["Name"]): found for found in importlib.metadata.distributions(path=[str(LIBRARY)])}
# One whose marker says that it is not for this machine is not there.
wanted = [installed[normal(name)] for name in SCRIPTS["distributions"] if normal(name) in installed]
if SCRIPTS["dependent"]:
    wanted = [found for _, found in sorted(installed.items())]

# What each name runs: an entry point, or a file.
programs = {}
for found in wanted:
    for path in found.files or []:
        if path.parent.name == "bin" and ".." in path.parts:
            programs[path.name] = LIBRARY / "bin" / path.name
for found in wanted:
    for point in found.entry_points:
        if point.group in ("console_scripts", "gui_scripts"):
            programs[point.name] = (point.module, point.attr)

# Those that pip wrote do not know where their distributions are.
for found in installed.values():
    for point in found.entry_points:
        if point.group in ("console_scripts", "gui_scripts"):
            LIBRARY.joinpath("bin", point.name).unlink(missing_ok=True)
if LIBRARY.joinpath("bin").is_dir() and not any(LIBRARY.joinpath("bin").iterdir()):
    LIBRARY.joinpath("bin").rmdir()

programs.update({name: (module, attribute) for name, module, attribute in SCRIPTS["entry-points"]})
chosen = SCRIPTS["chosen"]
if chosen is not None:
    unknown = sorted(set(chosen) - set(programs))
    if unknown:
        known = ", ".join(sorted(programs)) or "none"
        sys.exit("there is no program {} to be written; there are: {}".format(", ".join(unknown), known))
    programs = {chosen[name]: program for name, program in programs.items() if name in chosen}

BIN.mkdir(parents=True, exist_ok=True)
for name, program in sorted(programs.items()):
    if isinstance(program, tuple):
        write(name, CALL, module=program[0], attribute=program[1], arguments=SCRIPTS["arguments"])
    elif b"python" in program.read_bytes()[:LONGEST].split(b"\n")[0]:
        write(name, RUN, path=str(program))
    else:
        link(name, program)
if SCRIPTS["interpreter"]:
    write(SCRIPTS["interpreter"], INTERPRETER)
