"""Non-interference of random queries: what is let through tells nothing of hidden columns, nor of rows not granted."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.adversarial import curious
from tests.policy.adversarial.judge import Allowed, judge
from tests.policy.adversarial.oracle import crossings


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_whatever_is_allowed_tells_nothing_that_is_not_granted(data):
    case, rule = data.draw(curious.cases())
    world = curious.world(rule)
    allowed = judge(case, world)
    if not isinstance(allowed, Allowed):
        return
    pairs = {site: data.draw(curious.databases(rule)) for site in ("fra", "dub")}
    far = data.draw(curious.databases(curious.RULES[0]))
    here = {"here": world.sources["here"].rows}
    one = {"log": {site: pair[0] for site, pair in pairs.items()}, "far": {"lon": far[0]}, **here}
    other = {"log": {site: pair[1] for site, pair in pairs.items()}, "far": {"lon": far[1]}, **here}
    with TemporaryDirectory() as folder:
        first = crossings(allowed, world, one, Path(folder) / "one")
        assert first == crossings(allowed, world, other, Path(folder) / "other")
