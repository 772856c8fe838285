"""Where a value was written, down to each of its keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.diagnostics import Where


@dataclass(frozen=True, slots=True)
class Origin:
    """The place of a map in a file and of every dotted path below it (``columns.price.type``, ``checks.0.unique``)."""

    where: Where
    keys: Mapping[str, Where] = field(default_factory=dict)

    def of(self, path: str = "") -> Where:
        """Give the place of a dotted path, or of its closest known parent.

        >>> Origin(Where("a.yaml", 1, 1), {"time": Where("a.yaml", 2, 3)}).of("time.zone")
        Where(file='a.yaml', line=2, column=3)
        """
        while path:
            if path in self.keys:
                return self.keys[path]
            path = path.rpartition(".")[0]
        return self.where


NOWHERE = Origin(Where("", 0, 0))
