"""The Python files of a project: which are read, which must run, and what both kinds make."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from headwater.diagnostics import Diagnostic
from headwater.project.python.calls import may_make_nodes, survey
from headwater.project.python.files import Imports, Making, not_read, read_calls
from headwater.project.python.imports import ReadText, parse, syntax_error
from headwater.project.python.literals import NotLiteralError, Source, know_imports
from headwater.project.python.made import Sources, made_nodes
from headwater.project.python.running import Ran, RunFiles, ToRun

_MODELS: Final = "models/"


@dataclass(slots=True)
class PythonFiles:
    """What grows while Python files are looked at: nodes, mistakes, and the files that must run."""

    read_text: ReadText
    found: list[Diagnostic] = field(default_factory=list)
    made: list[Making] = field(default_factory=list)
    _waiting: dict[str, tuple[NotLiteralError | None, Source]] = field(default_factory=dict)
    """Path → what kept it from being read."""
    _silent: dict[str, str] = field(default_factory=dict)
    """Files below models/ that make nodes only if those they import do: path → text."""

    def look(self, path: str, text: str) -> None:
        """Read a file's nodes if its tree shows them; else keep it for ``run``."""
        if not may_make_nodes(text):
            if path.startswith(_MODELS) and "import" in text:
                self._silent[path] = text
            return
        source = Source(path, text)
        try:
            tree = parse(text)
        except SyntaxError as problem:
            self.found.append(syntax_error(problem, path))
            return
        know_imports(source, tree)
        seen = survey(tree, source)
        if seen.obstacle is not None:
            self._waiting[path] = (seen.obstacle, source)
        elif seen.calls:
            imports = Imports(path, text, self.read_text)
            made, found = read_calls(seen.calls, source, imports)
            self.made += made
            self.found += [*imports.found, *found]
        elif path.startswith(_MODELS):
            self._silent[path] = text

    def run(self, run_files: RunFiles | None, limit_s: float) -> None:
        """Run what could not be read, all at once; without anybody to run it, say why it could not be read."""
        if not self._waiting:
            return
        if run_files is None:
            self.found += [not_read(path, why, source) for path, (why, source) in self._waiting.items() if why]
            return
        imports = [Imports(path, source.text, self.read_text) for path, (_, source) in self._waiting.items()]
        imports += [each for each in self._readers() if each.modules.keys() & self._waiting.keys()]
        asked = [ToRun(path=each.path, modules=each.modules) for each in imports if self._is_sound(each)]
        self._take(asked, run_files(asked, limit_s) if asked else {})

    def _readers(self) -> Iterable[Imports]:
        return (Imports(path, text, self.read_text) for path, text in self._silent.items())

    def _is_sound(self, imports: Imports) -> bool:
        broken = bool(imports.modules) and bool(imports.found)
        self.found += imports.found
        return not broken

    def _take(self, asked: Sequence[ToRun], ran: Mapping[str, Ran]) -> None:
        sources = Sources(self.read_text)
        for each in asked:
            made, found = made_nodes(each.path, ran[each.path], each.modules, sources)
            self.made += made
            self.found += found
