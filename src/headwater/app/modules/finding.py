"""Finds the project's modules among the texts that were read when it was loaded, never on the disk."""

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_loader
from pathlib import PurePosixPath
from types import ModuleType
from typing import Final

_ROOTS: Final = ("", "python", "models")


class Texts(MetaPathFinder):
    """Imports from texts: absolute path → text. Folders are searched in the order in which a worker searches them."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.files: dict[str, str] = {}
        self._roots: list[str] = []
        self._loaded: dict[str, ModuleType] = {}

    def begin(self, path: str, modules: Mapping[str, str]) -> None:
        """Forget the modules of the file before, and know those of this one."""
        for name, module in self._loaded.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        self._loaded.clear()
        own = str(PurePosixPath(path).parent)
        folders = dict.fromkeys((*_ROOTS, "" if own == "." else own))
        self._roots = [f"{self.root}/{folder}".rstrip("/") for folder in folders]
        self.files = {self.absolute(each): text for each, text in modules.items()}

    def absolute(self, path: str) -> str:
        """Give the absolute form of a path in the project."""
        return f"{self.root}/{path}"

    def relative(self, path: str) -> str:
        """Give a path as diagnostics name it."""
        return path.removeprefix(f"{self.root}/")

    def main(self, path: str) -> None:
        """Run a file as the module that a worker would import it as."""
        stem = PurePosixPath(path).stem
        name = f"project_{stem}" if stem in sys.modules else stem
        spec = spec_from_loader(name, _Text(self, self.absolute(path)))
        assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - made of a loader
        module = sys.modules[name] = self._loaded[name] = module_from_spec(spec)
        spec.loader.exec_module(module)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module or package of the project."""
        del target
        tail = fullname.rpartition(".")[2]
        folders = [base for base in (self._roots if path is None else path) if self._is_ours(base)]
        for folder in (f"{base}/{tail}" for base in folders):
            if f"{folder}/__init__.py" in self.files:
                return self._spec(fullname, f"{folder}/__init__.py", folder)
            if f"{folder}.py" in self.files:
                return self._spec(fullname, f"{folder}.py", "")
        places = [f"{base}/{tail}" for base in folders if self._has_folder(f"{base}/{tail}")]
        if not places or (path is None and PathFinder.find_spec(fullname) is not None):
            return None
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = places
        return spec

    def holds(self, module: str) -> bool:
        """Whether a module's name (or ``.``, a relative one) is one of the project's."""
        if module.startswith(".") or module in self._loaded:
            return True
        top = module.partition(".")[0]
        return any(f"{base}/{top}.py" in self.files or self._has_folder(f"{base}/{top}") for base in self._roots)

    def _has_folder(self, folder: str) -> bool:
        return any(file.startswith(f"{folder}/") for file in self.files)

    def note(self, module: ModuleType) -> None:
        """Keep in mind a module that is the project's."""
        self._loaded[module.__name__] = module

    def _is_ours(self, folder: str) -> bool:
        return folder == self.root or folder.startswith(f"{self.root}/")

    def _spec(self, name: str, file: str, folder: str) -> ModuleSpec | None:
        spec = spec_from_loader(name, _Text(self, file), is_package=bool(folder))
        if spec is not None and folder:
            spec.submodule_search_locations = [folder]
        return spec


class _Text(Loader):
    """Runs one text as a module."""

    def __init__(self, texts: Texts, file: str) -> None:
        self._texts, self._file = texts, file

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to Python."""
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Compile and run the text."""
        module.__file__ = self._file
        self._texts.note(module)
        exec(compile(self._texts.files[self._file], self._file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the user's own code

    def get_source(self, fullname: str) -> str:
        """Give the text, for tracebacks and ``inspect``."""
        del fullname
        return self._texts.files.get(self._file, "")
