"""What a project's files declare of environments, and what those made after a template take from it."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from headwater.app.modules.loading import runner
from headwater.app.registry import registry
from headwater.app.settings import read_settings
from headwater.app.workspace import state_if_any
from headwater.diagnostics import Diagnostic
from headwater.graph.add_discovered import key_of_source, together
from headwater.project.loading import load
from headwater.spec.discoveries import Discovered
from headwater.spec.project import Environment, Project
from headwater.state.discoveries import discoveries
from headwater.state.environments import EnvironmentRow, environments


def load_project(root: Path) -> tuple[Project | None, list[Diagnostic]]:
    """Read a project's files with the built-in connectors (running those that make nodes); nothing is compiled."""
    known = registry()
    names = {"source": known.sources, "sink": known.sinks}
    return load(root, registry_fields=known.fields_of, connector_names=lambda role: names[role], run_files=runner(root))


def settings_of(project: Project, root: Path, name: str) -> Environment | None:
    """Give an environment's settings: as declared, or those of the template that it was made after; else None."""
    declared = project.environments.get(name)
    if declared is not None and not declared.template:
        return declared
    row = _made(root).get(name)
    template = project.environments.get(row.like) if row and row.like else None
    return replace(template, name=name, template=False) if template else None


def discovered_columns(project: Project, root: Path) -> dict[str, tuple[Discovered, ...]]:
    """Give source → columns that its files were found to have, as far as the state (if there is one) knows."""
    evolving = [source for source in project.sources.values() if source.on_schema_change == "evolve"]
    with state_if_any(read_settings(root)) if evolving else nullcontext() as db:
        return {source.name: together(discoveries(db, key_of_source(source))) for source in evolving if db}


def _made(root: Path) -> dict[str, EnvironmentRow]:
    """Environments in the state, if there is one: reading a project must not make it."""
    with state_if_any(read_settings(root)) as db:
        return {row.name: row for row in environments(db)} if db else {}
