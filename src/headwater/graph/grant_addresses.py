"""The address of what a policy lets through in another form: part of the version of every model that names it."""

from collections.abc import Callable
from typing import Final

from headwater.graph.borders import Borders, PolicyNode
from headwater.spec.addresses import address
from headwater.spec.policies import Form
from headwater.sql.binding import Relation

GrantAddress = Callable[[PolicyNode, Relation, Borders], str]
"""Of a lossy policy, the columns of the relation that it ships, and the borders around it."""
Behind = Callable[[Form, Relation], Relation]
"""A relation's columns as a transform gives them: some have other types."""
_RAW: Final = Form()


def is_lossy(policy: PolicyNode) -> bool:
    """Whether rows behind a policy are not those before it: some columns are transformed, or only groups leave."""
    form = policy.form or _RAW
    return bool(form.transform or form.aggregates)


def unchanged(form: Form, relation: Relation) -> Relation:
    """Give the columns as they are: what a graph knows of transforms by itself."""
    del form
    return relation


def stated_address(policy: PolicyNode, relation: Relation, borders: Borders) -> str:
    """Give the address of all that a policy itself says about rows: not its name, nor where they may go.

    This is what a graph knows by itself; whoever makes grants may know more (which key a name stands for).
    """
    del relation, borders
    form = policy.form or _RAW
    groups = (f"{name}={expression}" for name, expression in sorted(form.by.items()))
    return address(
        *("grant", policy.relation, policy.predicate, "ship", *policy.ship),
        *("transform", form.transform, *form.on, form.key, str(form.length), form.step),
        *("aggregates", *sorted(form.aggregates), "by", *groups, "unit", form.unit, str(form.min_group)),
    )
