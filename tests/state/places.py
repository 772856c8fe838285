"""Places of states as texts, for processes of their own."""

from collections.abc import Callable
from pathlib import Path

from headwater.state.places import PostgresPlace, StatePlace, postgres_place

NewPlace = Callable[[], StatePlace]


def as_text(place: StatePlace) -> str:
    return f"{place.url}?schema={place.schema}" if isinstance(place, PostgresPlace) else str(place)


def of_text(text: str) -> StatePlace:
    return postgres_place(text) if text.startswith("postgres:") else Path(text)
