"""Many small models: first apply, a plan without a change, one change, promotion, rollback, beside SQLMesh and dbt."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.contenders import Contender, Dbt, Headwater, Sqlmesh
from bench.dag import designed
from bench.measure import Cost, Row, Trial, alternate
from bench.peers import installed
from bench.scale import Scale

STEPS = (
    "first apply",
    "plan, nothing changed, warm",
    "plan, nothing changed, cold",
    "promotion to prod",
    "one column of a leaf changed, applied",
    "filter of a root changed, applied",
    "rollback",
)
STEPS_ALONE = (*STEPS[:3], "rollback")
"""What is measured where Headwater is alone, with more models than a budget speaks of."""
LARGE = 1000
BUDGETS = {"first apply": 10.0, "plan, nothing changed, warm": 0.5, "plan, nothing changed, cold": 6.0, "rollback": 0.3}
"""Seconds for a thousand models."""


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    for models in scale.models:
        yield from _rows(folder / str(models), models, scale)
    for models in scale.alone:
        yield from _rows(folder / str(models), models, replace(scale, peers=()), STEPS_ALONE)


def _rows(folder: Path, models: int, scale: Scale, steps: Sequence[str] = STEPS) -> Iterator[Row]:
    kinds: dict[str, type[Contender]] = {"headwater": Headwater}
    kinds |= {"sqlmesh": Sqlmesh} if "sqlmesh" in scale.peers and installed("sqlmesh") else {}
    kinds |= {"dbt": Dbt} if "dbt" in scale.peers and installed("dbt") else {}
    contenders = {name: kind(folder / name, models) for name, kind in kinds.items()}
    for step in steps:
        trials = {name: each.trial(step) for name, each in contenders.items()}
        for name, (costs, said) in _measure(trials, contenders, scale).items():
            budget = BUDGETS.get(step) if name == "headwater" and models == LARGE else None
            yield Row(f"{models} models: {step}", contenders[name].says(step), costs, budget_s=budget, facts=said)
        if step == "first apply":
            _assert_same(contenders, models)


def _measure(
    trials: dict[str, Trial | None], contenders: dict[str, Contender], scale: Scale
) -> dict[str, tuple[tuple[Cost, ...], dict[str, str]]]:
    can = {name: trial for name, trial in trials.items() if trial}
    together = min(scale.peer_times, scale.times)
    costs = alternate(can, together)
    costs["headwater"] += alternate({"headwater": can["headwater"]}, max(scale.times - together, 0))["headwater"]
    return {name: (found, said(contenders[name].root)) for name, found in costs.items()}


def said(root: Path) -> dict[str, str]:
    """What the last command said about how much it computed."""
    said = (root / ".measured").read_text(errors="replace")
    found = re.search(r"([\d,]+) slots? computed", said) or re.search(r"Finished running ([\d,]+) table", said)
    found = found or re.search(r"Executing model batches .* ([\d,]+)/\d+", said)
    return {"computed": found[1]} if found else {}


def _assert_same(contenders: dict[str, Contender], models: int) -> None:
    """All tools must have made the same tables; the last ones stand on all others."""
    names = [model.name for model in designed(models)[-5:]]
    found = {who: [each.totals(name) for name in names] for who, each in contenders.items()}
    assert all(found["headwater"] == each for each in found.values()), json.dumps(found, indent=1)
