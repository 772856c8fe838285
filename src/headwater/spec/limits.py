"""Limits on what is worked on at once, over all processes that share a state; those on runs are their pipelines'."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from headwater.spec.fields import Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many tasks there may be at once; what is not named has no limit."""

    sites: Annotated[Mapping[str, int], Doc("site → how many tasks read or fill there at once", "{hub: 4}")] = field(
        default_factory=dict
    )
    tags: Annotated[Mapping[str, int], Doc("tag → how many tasks of models with it run at once", "{heavy: 1}")] = field(
        default_factory=dict
    )
    tasks: Annotated[int | None, Doc("how many tasks run at once, whatever they are")] = None

    @property
    def of_tasks(self) -> dict[str, int]:
        """The limits that tasks fall under, by the names that their places have."""
        found = {f"site:{name}": most for name, most in self.sites.items()}
        found |= {f"tag:{name}": most for name, most in self.tags.items()}
        return found | ({} if self.tasks is None else {"tasks": self.tasks})
