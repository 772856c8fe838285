"""How a shape describes itself: every field has a type, a default and one sentence, read by loader, schema and docs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Doc:
    """The sentence that documents a field; ``example`` is shown in the reference."""

    text: str
    example: str = ""
