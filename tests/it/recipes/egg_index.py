"""Makes distributions in the folder that is named: wheels by hand, and a source distribution that builds itself with cc."""

import base64
import hashlib
import io
import os
import sys
import tarfile
import zipfile

FOLDER = sys.argv[1]
WHEEL = "Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: {}\n"
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n{}"

BACKEND = '''
import base64, hashlib, os, subprocess, sysconfig, zipfile

INFO = "fastsum-1.0.dist-info"
FILES = {INFO + "/METADATA": b"Metadata-Version: 2.1\\nName: fastsum\\nVersion: 1.0\\n",
         INFO + "/WHEEL": b"Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: false\\nTag: py3-none-any\\n"}

def get_requires_for_build_wheel(config_settings=None):
    return ["tool"]

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.makedirs(os.path.join(folder, INFO))
    for name, text in FILES.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(text)
    return INFO

def build_wheel(folder, config_settings=None, metadata_directory=None):
    import tool
    name = "fastsum" + sysconfig.get_config_var("EXT_SUFFIX")
    include = sysconfig.get_paths()["include"]
    subprocess.run(["cc", "-shared", "-fPIC", "-I", include, "-DANSWER=%d" % tool.ANSWER, "fastsum.c", "-o", name], check=True)
    record = ""
    with open(name, "rb") as file:
        files = dict(FILES, **{name: file.read()})
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\\n" % (path, digest, len(text))
    files[INFO + "/RECORD"] = (record + INFO + "/RECORD,,\\n").encode()
    wheel = "fastsum-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel
'''

C = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(ANSWER); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fastsum", 0, -1, methods};
PyMODINIT_FUNC PyInit_fastsum(void) { return PyModule_Create(&module); }
"""


def wheel(name, version, files, metadata="", entry_points="", tag="py3-none-any"):
    info = "{}-{}.dist-info".format(name, version)
    files = {path: text.encode() for path, text in files.items()}
    files[info + "/METADATA"] = METADATA.format(name, version, metadata).encode()
    files[info + "/WHEEL"] = WHEEL.format(tag).encode()
    if entry_points:
        files[info + "/entry_points.txt"] = ("[console_scripts]\n" + entry_points).encode()
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
        record += "{},sha256={},{}\n".format(path, digest, len(text))
    files[info + "/RECORD"] = (record + info + "/RECORD,,\n").encode()
    with zipfile.ZipFile(os.path.join(FOLDER, "{}-{}-{}.whl".format(name, version, tag)), "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)


def sdist(name, version, files):
    top = "{}-{}".format(name, version)
    with tarfile.open(os.path.join(FOLDER, top + ".tar.gz"), "w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(top + "/" + path)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


os.makedirs(FOLDER, exist_ok=True)
greet = "import sys\n\n\ndef main(name='world'):\n    import fastsum, shout\n    print(shout.loud('hello ' + name), fastsum.answer(), shout.VERSION)\n"
requires = (
    "Requires-Dist: shout>=1\nRequires-Dist: fastsum\nRequires-Dist: past; python_version < '3'\n"
    "Provides-Extra: horn\nRequires-Dist: horn; extra == 'horn'\n"
)
wheel("greet", "1.0", {"greet.py": greet}, requires, "greet = greet:main\ngreet-all = greet:main\n")
for version in ("1.0", "2.0"):
    wheel("shout", version, {"shout.py": "VERSION = '{}'\n\n\ndef loud(text):\n    return text.upper()\n".format(version)})
horn = {"horn/__init__.py": "", "horn-1.0.data/scripts/blow": "#!python\nimport horn\nprint('toot', horn.__name__)\n"}
wheel("horn", "1.0", horn)
wheel("tool", "1.0", {"tool.py": "ANSWER = 42\n"})
wheel("newer", "1.0", {"newer.py": ""}, tag="cp3{}-abi3-manylinux_2_30_x86_64".format(sys.version_info[1]))
toml = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
sdist("fastsum", "1.0", {"pyproject.toml": toml, "backend.py": BACKEND, "fastsum.c": C, "PKG-INFO": METADATA.format("fastsum", "1.0", "")})
