"""The address of a lossy rule for a graph: of all that decides which rows come through, so that its readers follow."""

from headwater.graph.borders import Borders, PolicyNode
from headwater.graph.grant_addresses import stated_address
from headwater.policy.charters import LAW
from headwater.policy.rules import form_of
from headwater.spec.addresses import address
from headwater.sql.binding import Relation


def grant_address(policy: PolicyNode, relation: Relation, borders: Borders) -> str:
    """Give the address of what a rule says, under which law, with which key, of columns of which types.

    Of a key its name and the reference to its secret count: the secret itself is known at its sites only.
    """
    form = form_of(policy)
    named = {name.casefold() for name in (*policy.ship, *form.on, form.unit)}
    types = (f"{name} {type_}" for name, type_ in relation if name.casefold() in named)
    keys = (f"{key.name} {key.secret}" for key in borders.keys if key.name == form.key)
    return address("lossy", str(LAW), stated_address(policy, relation, borders), "key", *keys, "types", *types)
