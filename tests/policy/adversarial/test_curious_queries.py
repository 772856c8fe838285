"""Non-interference of random queries: what is let through tells nothing of hidden columns, nor of rows not granted."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.adversarial import curious
from tests.policy.adversarial.judge import Allowed, judge, much
from tests.policy.adversarial.oracle import Crossed, crossings
from tests.policy.adversarial.values import World


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_whatever_is_allowed_tells_nothing_that_is_not_granted(data):
    case, rule = data.draw(curious.cases())
    world = curious.world(rule)
    allowed = judge(case, world, much)
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


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_what_is_sent_ahead_to_a_site_tells_nothing_of_rows_that_it_may_not_have(data):
    case, rule = data.draw(curious.cases())
    far_to = data.draw(st.sampled_from([("us",), ("us", "eu")]))
    world = curious.world(rule, far_to=far_to)
    allowed = judge(case, world, much)
    if not isinstance(allowed, Allowed):
        return
    fars = data.draw(curious.databases(curious.RULES[0]))
    log = {site: data.draw(curious.databases(rule))[0] for site in ("fra", "dub")}
    found = []
    with TemporaryDirectory() as folder:
        for at in range(2):
            far = fars[at] if "eu" in far_to else data.draw(curious.databases(curious.RULES[0]))[0]
            here = data.draw(curious.databases(curious.RULES[0]))[0]
            tables = {"log": log, "far": {"lon": far}, "here": {"hub": here}}
            crossed = crossings(allowed, world, tables, Path(folder) / str(at))
            found.append(
                crossed if isinstance(crossed, str) else [each for each in crossed if _reaches_eu(each, world)]
            )
    assert found[0] == found[1]


def _reaches_eu(crossed: Crossed, world: World) -> bool:
    return any(world.jurisdictions[site] == "eu" for site in crossed.to)
