"""Of which models one query may fill several slots: only those for which the result is proved to be the same."""

from dataclasses import replace

from headwater.graph.drafts import Draft


def prove_slots(draft: Draft) -> Draft:
    """Prove what can be proved; what is not proved runs slot by slot."""
    return replace(draft, slotwise=frozenset())
