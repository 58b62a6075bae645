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
    arguments, stay, run, code = sys.argv[1:], False, None, None
    main = {{'__name__': '__main__', '__builtins__': __builtins__}}
    while arguments and run is None and arguments[0].startswith('-') and arguments[0] != '-':
        option = arguments.pop(0)
        if option == '-i':
            stay = True
        elif option[:2] in ('-c', '-m'):
            if not option[2:] and not arguments:
                sys.exit('argument expected for the ' + option + ' option')
            run, code = option[:2], option[2:] or arguments.pop(0)
        elif option == '--':
            break
        else:
            sys.exit('unknown option ' + option + ': known are -i, -c and -m')
    if run == '-c':
        sys.argv = ['-c', *arguments]
        exec(compile(code, '<string>', 'exec'), main)
    elif run == '-m':
        import runpy

        sys.argv = [code, *arguments]
        main = runpy.run_module(code, run_name='__main__', alter_sys=True)
    elif arguments and arguments[0] != '-':
        sys.argv = arguments
        sys.path.insert(0, __import__('os').path.dirname(__import__('os').path.abspath(arguments[0])))
        with open(arguments[0], 'rb') as file:
            main['__file__'] = arguments[0]
            exec(compile(file.read(), arguments[0], 'exec'), main)
    elif sys.stdin.isatty():
        stay = True
    else:
        sys.argv = ['-', *arguments[1:]]
        exec(compile(sys.stdin.read(), '<stdin>', 'exec'), main)
    if stay:
        from code import interact

        interact(local=main)
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
    if path.is_symlink() or path.exists():
        path.unlink()
    path.symlink_to(target)
    print("linked", path)


installed = {normal(found.metadata["Name"]): found for found in importlib.metadata.distributions(path=[str(LIBRARY)])}
wanted = [installed[normal(name)] for name in SCRIPTS["distributions"]]
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

chosen = SCRIPTS["chosen"]
if chosen is not None:
    unknown = sorted(set(chosen) - set(programs) - {name for name, _, _ in SCRIPTS["entry-points"]})
    if unknown:
        known = ", ".join(sorted(programs)) or "none"
        sys.exit("there is no program {} to be written; there are: {}".format(", ".join(unknown), known))
    programs = {chosen[name]: program for name, program in programs.items() if name in chosen}
renamed = chosen or {}
programs.update({renamed.get(name, name): (module, attribute) for name, module, attribute in SCRIPTS["entry-points"]})

BIN.mkdir(parents=True, exist_ok=True)
for name, program in sorted(programs.items()):
    if isinstance(program, tuple):
        write(name, CALL, module=program[0], attribute=program[1], arguments=SCRIPTS["arguments"])
    elif b"python" in program.read_bytes()[:LONGEST].split(b"\n")[0]:
        write(name, RUN, path=str(program))
    else:
        link(name, os.path.relpath(program, BIN))
if SCRIPTS["interpreter"]:
    write(SCRIPTS["interpreter"], INTERPRETER)
