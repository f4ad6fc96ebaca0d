"""Loaded by every Python process of a soaked run, Ray's workers included: see `patches`."""

import importlib.abc
import importlib.machinery
import os
import sys


class Finder(importlib.abc.MetaPathFinder):
    def __init__(self, patches):
        self.patches = patches

    def find_spec(self, name, path, target=None):
        if name not in self.patches:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            self.patches[name](module)

        spec.loader.exec_module = exec_module
        return spec


if "NORMSWEEP_SOAK" in os.environ:
    from patches import PATCHES  # before the finder, which would look for it too

    sys.meta_path.insert(0, Finder(PATCHES))
