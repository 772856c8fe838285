"""The reference, made from the code: commands, keys of project files, connectors, checks, diagnostics, JSON Schema."""

import argparse
import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import click

from headwater.cli.authoring_settings import SETTINGS_FILE, settings_module
from headwater.cli.field_tables import field_table
from headwater.cli.framework import Command, Group
from headwater.cli.main import cli
from headwater.cli.options import GlobalOption

_FOLDER: Final = Path("docs/reference")
_MADE: Final = "<!-- Made by `make docs` from the code: do not edit. -->"
_AREAS: Final = {
    "01": "Project files",
    "02": "Models and their columns",
    "03": "Sources and files",
    "04": "Checks and tests",
    "05": "Plan, apply, run, rollback, environments",
    "06": "State and lake",
    "07": "Sinks",
    "08": "Python models",
    "09": "Command line",
    "10": "Schedules, limits, alerts, the API",
    "11": "Logs, orders, the server",
    "12": "Sites and policies",
    "13": "Classes, erasures and retention",
}
_EXIT_CODES: Final = (
    (0, "done"),
    (1, "a mistake in files or arguments"),
    (2, "the command was used wrongly, or could not ask"),
    (3, "refused by policy or protection"),
    (4, "conflict: somebody else was first, or there is nothing to work on; plan again"),
    (5, "the environment is broken: state, lake or machine"),
    (6, "a check or test failed, or rows were refused: outside their slot, without a key, a key that comes twice"),
    (7, "somebody, or the run's own deadline, has stopped it; what was computed is kept"),
    (10, "there is something to do, or to land (`plan --exit-code`)"),
    (130, "interrupted; nothing was changed"),
)


def documents() -> dict[str, str]:
    """Give every generated file of the reference: name → text."""
    from headwater.app.editor import project_schema
    from headwater.web.reference import api_pieces

    return {
        "cli.md": reference(),
        "project.md": project_page(),
        "sources.md": connectors_page("source"),
        "sinks.md": connectors_page("sink"),
        "checks.md": checks_page(),
        "python.md": python_page(),
        "diagnostics.md": diagnostics_page(),
        "api.md": _page("The API", api_pieces()),
        "headwater.schema.json": json.dumps(project_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def reference() -> str:
    """Give the page of all commands."""
    return _page("Commands", _commands())


def _commands() -> Iterator[str]:
    yield "`headwater` and `hw` are the same command. Options of every command stand before or after its name."
    yield _option_list([param for param in cli.params if isinstance(param, GlobalOption)])
    yield "Exit codes:"
    yield "\n".join(["| code | means |", "|---|---|", *(f"| {code} | {text} |" for code, text in _EXIT_CODES)])
    context = click.Context(cli, info_name="headwater")
    for name in cli.list_commands(context):
        found = cli.get_command(context, name)
        assert found is not None  # noqa: S101 - it is listed
        yield from _command(found, f"headwater {name}", 2)


def _command(found: click.Command, path: str, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} `{path}`"
    pieces = [param.make_metavar(click.Context(found)) for param in found.params if isinstance(param, click.Argument)]
    own = [p for p in found.params if isinstance(p, click.Option) and not isinstance(p, GlobalOption)]
    usage = " ".join([path, *(["COMMAND …"] if isinstance(found, Group) else []), *pieces])
    yield "\n\n".join(" ".join(part.split()) for part in (found.help or "").split("\n\n"))
    yield f"    {usage}" + (" [OPTIONS]" if own else "")
    if own:
        yield _option_list(own)
    if isinstance(found, Command):
        yield "```text\n" + "\n".join(f"$ {line}" for line in found.example.splitlines()) + "\n```"
    if isinstance(found, Group):
        for name, each in found.commands.items():
            yield from _command(each, f"{path} {name}", depth + 1)


def _option_list(params: "list[click.Option] | list[GlobalOption]") -> str:
    rows = []
    for param in params:
        metavar = "" if param.is_flag else f" {param.make_metavar(click.Context(cli))}"
        names = ", ".join(f"`{name}`" for name in sorted(param.opts, key=len)[:-1])
        longest = " / ".join(f"`{name}{metavar}`" for name in (max(param.opts, key=len), *param.secondary_opts))
        default = f" Default: `{_default(param)}`." if param.show_default else ""
        rows.append(f"| {', '.join(filter(None, [names, longest]))} | {_cell((param.help or '') + default)} |")
    return "\n".join(["| option | |", "|---|---|", *rows])


def _default(param: "click.Option | GlobalOption") -> object:
    """The default as it would be typed: a switch of two names is set by one of them."""
    return (param.opts if param.default else param.secondary_opts)[0] if param.secondary_opts else param.default


def project_page() -> str:
    """Give the page of all keys of project files."""
    from headwater.spec import alerts, nodes, policies, project, schedules, tests

    shapes = (
        ("headwater.yaml", project.Project),
        ("`defaults:`", project.Defaults),
        ("`retries:`", nodes.Retries),
        ("`sources:`", nodes.Source),
        ("`models:`, and the header of a model", nodes.Model),
        ("`reads:` of a model", nodes.Reads),
        ("`contract:` of a model", nodes.Contract),
        ("`consumers:` of a model", nodes.Consumer),
        ("`columns:`", nodes.Column),
        ("`sinks:`", nodes.Sink),
        ("`pipelines:`", project.Pipeline),
        ("`alerts:`, and of a pipeline", alerts.Alert),
        ("`only:` of an alert", alerts.Only),
        ("`freshness:` of an alert", alerts.FreshnessLimit),
        ("`score_fell:` of an alert", alerts.ScoreLimit),
        ("`volume_anomaly:` of an alert", alerts.VolumeLimit),
        ("`quarantine_grew:` of an alert", alerts.QuarantineLimit),
        ("`silence:` of an alert", alerts.SilenceLimit),
        ("`schedule:` of a pipeline", schedules.Schedule),
        ("`when:` of a pipeline", schedules.Condition),
        ("`environments:`", project.Environment),
        ("`sites:`", project.Site),
        ("`policies:`", policies.Policy),
        ("`as:` of a policy", policies.Form),
        ("`deny:` of a policy", policies.Deny),
        ("`retain:` of a policy", policies.Retain),
        ("`keys:`", policies.Key),
        ("`policy_tests:`", policies.PolicyTest),
        ("`tests:`", tests.UnitTest),
        ("`given:` of a test", tests.Rows),
        ("`expect:` of a test", tests.Expectation),
    )
    intro = (
        "Every YAML file holds maps in the plural (`sources:`, `models:`, …) from a name to these keys; any file may "
        "hold any of them. Keys of connectors: [sources](sources.md), [sinks](sinks.md). Checks: [checks](checks.md)."
    )
    return _page("Project files", [intro, *(f"## {title}\n\n{field_table(shape)}" for title, shape in shapes)])


def connectors_page(role: str) -> str:
    """Give the page of the source or sink connectors."""
    from headwater.app.registry import registry

    known = registry().sources if role == "source" else registry().sinks
    pieces = [f"What each connector of a {role} takes, besides the keys that [every {role} has](project.md)."]
    for name, component in known.items():
        able = ", ".join(sorted(str(each) for each in component.can))
        pieces += [f"## `connector: {name}`", f"{component.summary}. Can: {able}."]
        pieces += [field_table(component.fields), f"```yaml\n{component.example.strip()}\n```"]
    return _page(f"{role.capitalize()} connectors", pieces)


def checks_page() -> str:
    """Give the page of all checks."""
    from headwater.spec.checks import KINDS, Check

    pieces = ["A check stands under `checks:` of a source or model. Every check takes:", field_table(Check)]
    for name, kind in KINDS.items():
        text = " ".join((kind.__doc__ or "").split())
        pieces += [f"## `{name}`", text, field_table(kind, without=Check)]
    return _page("Checks", [piece for piece in pieces if piece])


def python_page() -> str:
    """Give the page of what ``import headwater as hw`` offers to a project's own Python."""
    from headwater.spec import authoring
    from headwater.spec.checks import KINDS, Check
    from headwater.spec.making import NODES

    intro = (
        "What a project's Python files call, after `import headwater as hw`. The arguments are the keys of "
        "[project files](project.md) and of connectors ([sources](sources.md), [sinks](sinks.md)); `from` and `in` are "
        "words of Python, so they are written `from_` and `in_`."
    )
    pieces = [intro, "## Nodes"]
    for name in NODES:
        pieces += [f"### `hw.{name}`", _docstring(getattr(authoring, name))]
    pieces += ["## Checks", "For `checks=[…]` of any of them; each also takes:", field_table(Check)]
    checks = [each for name, each in vars(authoring).items() if name in KINDS]
    pieces += [f"- `hw.{each.__name__}`: {_docstring(each)}" for each in checks]
    pieces += ['Kinds without a function are written as maps, as in YAML: `{"schema": "exact"}`.']
    for told in (authoring.Run, authoring.Slot):
        names = ", ".join(f"`{each.name}`" for each in fields(told))
        pieces += [f"## `hw.{told.__name__}`", _docstring(told), f"It has {names}."]
    return _page("Python", pieces)


def _docstring(documented: object) -> str:
    return inspect.cleandoc(documented.__doc__ or "").replace("``", "`")


def diagnostics_page() -> str:
    """Give the page of all diagnostics."""
    from headwater.diagnostics import CATALOGUE

    pieces = ["What Headwater says when something is wrong. Codes stay the same from version to version."]
    for area, title in _AREAS.items():
        rows = [f"| `{code}` | {_cell(text)} |" for code, text in sorted(CATALOGUE.items()) if code[2:4] == area]
        if rows:
            pieces += [f"## {title}", "\n".join(["| code | means |", "|---|---|", *rows])]
    return _page("Diagnostics", pieces)


def _page(title: str, pieces: "Iterator[str] | list[str]") -> str:
    return "\n\n".join([_MADE, f"# {title}", *pieces]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the reference, or check that it is up to date (exit code 1 if not)."""
    parser = argparse.ArgumentParser(prog="python -m headwater.cli.reference", description=__doc__)
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where it stands (default: docs/reference)")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--write", action="store_true", help="write what has changed")
    how.add_argument("--check", action="store_true", help="say what has changed")
    asked = parser.parse_args()
    stale = [path for path, text in _files(asked.folder) if not path.is_file() or path.read_text("utf-8") != text]
    if asked.write:
        asked.folder.mkdir(parents=True, exist_ok=True)
        for path, text in _files(asked.folder):
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print("wrote" if asked.write else "out of date:", path)
    sys.exit(1 if stale and asked.check else 0)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    yield from ((folder / name, text) for name, text in documents().items())
    if folder == _FOLDER:
        yield SETTINGS_FILE, settings_module()


if __name__ == "__main__":
    main()
