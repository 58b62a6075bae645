"""Prints the seconds the real zc.buildout takes to load a config: reading, extending, merging; nothing is resolved."""

import logging
import os
import sys
import time

import zc.buildout.buildout as real

logging.disable(logging.CRITICAL)
folder, name = os.path.split(os.path.abspath(sys.argv[1]))
os.chdir(folder)
start = time.perf_counter()
real.Buildout(name, [], False, "annotate")
print(time.perf_counter() - start)
