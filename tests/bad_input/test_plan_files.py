"""Plan files that somebody has edited, cut off, or brought from elsewhere: nothing of them is applied."""

import json
import random

import pytest

MUTATIONS = 300


@pytest.fixture
def plan(shop):
    shop.write("models/new.sql", "SELECT 1 AS x\n")
    path = shop.root / "dev.plan"
    assert shop("plan", "--out", path).code == 0
    return path


def test_a_plan_is_applied_as_it_was_made(shop, plan):
    shop.write("models/new.sql", "SELECT 2 AS x\n")
    assert shop("apply", plan).code == 0
    assert shop("--json", "query", "FROM new").document == [{"x": 1}]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("environment", "prod"), ("base", ""), ("commit", "x"), ("is_clean", True), ("by", "x"), ("summary", []), ("code", "eA=="),
        ("approvals", ["boss"]), ("approvals", 5), ("digest", ""), ("format", "1"), ("format", 0), ("more", 1),
    ],
)  # fmt: skip
def test_a_plan_edited_by_hand(shop, plan, key, value):
    plan.write_text(json.dumps({**json.loads(plan.read_text()), key: value}))
    found = shop.fails("apply", plan)
    assert (found["code"], "dev.plan" in found["message"]) == ("HW0574", True)


def test_a_plan_of_a_newer_version(shop, plan):
    plan.write_text(json.dumps({**json.loads(plan.read_text()), "format": 99}))
    assert shop.fails("apply", plan, code=5)["code"] == "HW0573"


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 10_000])
def test_what_is_no_plan(shop, content):
    shop.write("x.plan", content)
    assert shop.fails("apply", shop.root / "x.plan")["code"] in {"HW0572", "HW0574"}


def test_a_plan_that_is_not_there(shop):
    assert shop.fails("apply", shop.root / "no.plan")["code"] == "HW0571"
    assert shop.fails("plan", "--out", shop.root / "data/orders.csv/x", code=5)["code"] == "HW0570"


def test_a_plan_whose_base_has_moved(shop, plan):
    shop.write("models/new.sql", "SELECT 2 AS x\n")
    assert shop("apply").code == 0
    assert shop.fails("apply", plan, code=4)["code"] == "HW0545"


def test_no_change_of_a_plan_goes_unseen(shop, plan):
    chance, whole = random.Random(1), plan.read_bytes()
    for _ in range(MUTATIONS):
        at = chance.randrange(len(whole))
        cut = (
            whole[:at]
            + bytes([chance.randrange(256) for _ in range(chance.randrange(3))])
            + whole[at + chance.choice([0, 1, 2, 30]) :]
        )
        if meaning(cut) == meaning(whole):
            continue
        plan.write_bytes(cut)
        said = shop("--json", "apply", plan)
        assert said.code in {1, 5}, cut
        assert said.document["diagnostics"][0]["code"] in {"HW0572", "HW0573", "HW0574"}, cut
    assert len(shop("--json", "history").document) == 1


def meaning(content):
    try:
        return json.loads(content)
    except ValueError:
        return None
