"""What operators and admins do; each leaves an audit entry with the token's name."""

import msgspec

from headwater.app.access import make, revoke, tokens
from headwater.app.control.arriving import receive_message
from headwater.app.control.ordering import Ordered, order_run, pipeline_in, released
from headwater.app.control.stopping import cancel, pause, resume
from headwater.app.rerunning import rerun_of
from headwater.app.rolling_back import preview_rollback, rollback
from headwater.spec.orders import Order
from headwater.web.answering import (
    ChangedAnswer,
    MadeTokenAnswer,
    OrderedAnswer,
    RollbackAnswer,
    TokenAnswer,
    TokensAnswer,
)
from headwater.web.asking import MessageAsked, Nothing, PauseAsked, RerunAsked, RollbackAsked, TokenAsked, TriggerAsked
from headwater.web.outside import ArrivedAnswer
from headwater.web.publishing import rollback_answer, token_answer
from headwater.web.reads import known_environment
from headwater.web.routing import Call


def trigger(call: Call[None, TriggerAsked]) -> OrderedAnswer:
    """Order a run of a pipeline now."""
    asked, environment, pipeline = call.body, call.path["environment"], call.path["pipeline"]
    pipeline_in(released(call.workspace, environment), environment, pipeline)
    order = Order(
        environment=environment,
        select=(pipeline,),
        start_from=tuple(asked.start_from),
        skip=tuple(asked.skip),
        release_holds=asked.release_holds,
        priority=asked.priority,
        pipeline=pipeline,
        message=asked.message,
        because=f"asked for by {call.by}",
    )
    return _ordered(order_run(call.workspace, order, kind="hand", by=call.by))


def pause_pipeline(call: Call[None, PauseAsked]) -> ChangedAnswer:
    """Stop a pipeline from starting by itself."""
    path = call.path
    changed = pause(call.workspace, path["environment"], path["pipeline"], by=call.by, reason=call.body.reason)
    return ChangedAnswer(changed=changed)


def resume_pipeline(call: Call[None, Nothing]) -> ChangedAnswer:
    """Let a pipeline start by itself again."""
    path = call.path
    return ChangedAnswer(changed=resume(call.workspace, path["environment"], path["pipeline"], by=call.by))


def cancel_run(call: Call[None, Nothing]) -> OrderedAnswer:
    """Cancel a run."""
    request = cancel(call.workspace, call.path["run"], by=call.by)
    return OrderedAnswer(run=request.id, status=request.status, is_new=False)


def rerun(call: Call[None, RerunAsked]) -> OrderedAnswer:
    """Order a run again."""
    asked = call.body
    repeated = rerun_of(call.workspace, call.path["run"], failed=asked.failed, release=asked.release)
    return _ordered(order_run(call.workspace, repeated.order, kind="rerun", by=call.by))


def roll_back(call: Call[None, RollbackAsked]) -> RollbackAnswer:
    """Take an environment back."""
    asked, environment = call.body, known_environment(call)
    planned = preview_rollback(call.workspace, environment, to=asked.to, data=asked.data)
    return rollback_answer(rollback(call.workspace, planned, message=asked.message, by=call.by))


def send_message(call: Call[MessageAsked, object]) -> ArrivedAnswer:
    """Send a message to the pipelines that wait for it."""
    body, path = msgspec.json.encode(call.body).decode(), call.path
    done = receive_message(call.workspace, path["environment"], path["name"], body, by=call.by, key=call.query.key)
    return ArrivedAnswer(accepted=done.is_new, duplicate=not done.is_new)


def get_tokens(call: Call[None, None]) -> TokensAnswer:
    """List tokens."""
    return TokensAnswer(tokens=[token_answer(each) for each in tokens(call.workspace.db)])


def make_token(call: Call[None, TokenAsked]) -> MadeTokenAnswer:
    """Make a token."""
    asked = call.body
    made = make(call.workspace, asked.name, asked.role, lasts_s=asked.lasts_s, by=call.by)
    return MadeTokenAnswer(token=token_answer(made.token), secret=made.secret)


def revoke_token(call: Call[None, None]) -> TokenAnswer:
    """Take a token away."""
    return token_answer(revoke(call.workspace, call.path["token"], by=call.by))


def _ordered(done: Ordered) -> OrderedAnswer:
    return OrderedAnswer(run=done.request.id, status=done.request.status, is_new=done.is_new)
