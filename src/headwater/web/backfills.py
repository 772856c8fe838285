"""What callers ask and order of backfills."""

from headwater.app.backfilling import Asked, cancel_backfill, order_backfill, standing_of, standings
from headwater.diagnostics import Invalid
from headwater.spec.orders import Order
from headwater.web.answering import BackfillAnswer, BackfillsAnswer
from headwater.web.asking import BackfillAsked, BackfillsAsked, Nothing
from headwater.web.publishing import backfill_answer
from headwater.web.routing import Call


def get_backfills(call: Call[BackfillsAsked, None]) -> BackfillsAnswer:
    """List backfills."""
    found = standings(call.workspace, call.query.environment, call.query.limit)
    return BackfillsAnswer(backfills=[backfill_answer(each) for each in found])


def get_backfill(call: Call[None, None]) -> BackfillAnswer:
    """Say how far a backfill is."""
    return backfill_answer(standing_of(call.workspace, call.path["backfill"]))


def start_backfill(call: Call[None, BackfillAsked]) -> BackfillAnswer:
    """Order a backfill."""
    asked = call.body
    if asked.start >= asked.end:
        raise Invalid.of("HW1088", "in the body: `end` must be later than `start`")
    order = Order(
        environment=call.path["environment"],
        select=tuple(asked.select),
        skip=tuple(asked.skip),
        within=(asked.start, asked.end),
        again=asked.again,
    )
    wanted = Asked(order=order, every_s=asked.every_s, parallel=asked.parallel, throttle_s=asked.throttle_s)
    return backfill_answer(order_backfill(call.workspace, wanted, by=call.by))


def stop_backfill(call: Call[None, Nothing]) -> BackfillAnswer:
    """Cancel a backfill."""
    return backfill_answer(cancel_backfill(call.workspace, call.path["backfill"], by=call.by))
