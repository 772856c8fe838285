"""Forms of one column, as the engine at the site makes them."""

import hashlib
import hmac
import ipaddress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.diagnostics import Diagnostic
from headwater.policy.lowering import TABLE
from headwater.policy.tokens import key_parameters
from headwater.policy.transforms import Transformed, transformed
from headwater.spec.policies import Form

SECRET = b"\x00\xff a secret of a test, 32 bytes."
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


class Engine:
    """One DuckDB that holds the keys of a site."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()

    def __call__(self, form: Form, type_: str, *values: Any, key: bytes = SECRET, zone: str = "UTC") -> list[Any]:
        made = transformed(form, "v", type_, "pii.id")
        assert isinstance(made, Transformed), made
        self._connection.execute(f"SET TimeZone = '{zone}'")
        bound = {f"v{at}": value for at, value in enumerate(values)}
        rows = ", ".join(f"({at}, CAST($v{at} AS {type_}))" for at in range(len(values)))
        shown = f"epoch_us({made.expression})" if made.type.endswith("ZONE") else made.expression
        text = f"SELECT {shown}, typeof({made.expression}) FROM (VALUES {rows}) AS t(n, v) ORDER BY n"
        found = self._connection.execute(text, bound | self._keys(made, key)).fetchall()
        assert {each for _, each in found} == {made.type}
        return [each for each, _ in found]

    @staticmethod
    def _keys(made: Transformed, key: bytes) -> dict[str, bytes]:
        return dict(key_parameters(made.key, key)) if made.key else {}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def expected(kind: str, text: str, key: bytes = SECRET) -> str:
    return hmac.new(key, f"headwater|hmac|{kind}|crm|{text}".encode(), hashlib.sha256).hexdigest()


TOKEN = Form(transform="hmac", on=("v",), key="crm")
FORMAT = Form(transform="format_token", on=("v",), key="crm")


@given(text=TEXTS, key=st.binary(min_size=16, max_size=200))
@settings(max_examples=50, deadline=None)
def test_a_token_is_the_hmac_of_the_text(engine: Engine, text: str, key: bytes) -> None:
    assert engine(TOKEN, "VARCHAR", text, None, key=key) == [expected("text", text, key), None]


@given(number=st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=30, deadline=None)
def test_a_whole_number_has_one_token_whatever_its_type(engine: Engine, number: int) -> None:
    for type_ in ("BIGINT", "HUGEINT"):
        assert engine(TOKEN, type_, number, None) == [expected("integer", str(number)), None]


@given(day=st.dates(), moment=st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))
@settings(max_examples=30, deadline=None)
def test_dates_and_moments_have_one_token_in_all_time_zones(engine: Engine, day: date, moment: datetime) -> None:
    assert engine(TOKEN, "DATE", day) == [expected("date", day.isoformat())]
    aware = moment.replace(tzinfo=UTC)
    here, there = (engine(TOKEN, "TIMESTAMP WITH TIME ZONE", aware, zone=z) for z in ("UTC", "Asia/Tokyo"))
    assert here == there
    assert engine(TOKEN, "TIMESTAMP WITH TIME ZONE", aware + timedelta(microseconds=1)) != here


def test_tokens_differ_by_key_and_by_kind(engine: Engine) -> None:
    same = [
        engine(TOKEN, "VARCHAR", "7"),
        engine(TOKEN, "VARCHAR", "7", key=b"another key of a test"),
        engine(TOKEN, "BIGINT", 7),
    ]
    other = Form(transform="hmac", on=("v",), key="other")
    assert len({*map(str, same), str(engine(other, "VARCHAR", "7"))}) == 4


def test_no_text_holds_a_key() -> None:
    made = transformed(TOKEN, "v", "VARCHAR", "pii.id")
    assert isinstance(made, Transformed)
    assert all(each in made.expression for each in ("$key_crm_inner", "$key_crm_outer"))


def pattern(text: str) -> str:
    """What a token that keeps the format shows of a value."""
    kinds = ((str.isdigit, "9"), (str.isupper, "A"), (str.islower, "a"))
    return "".join(next((k for holds, k in kinds if holds(c)), c) if " " <= c <= "~" else "a" for c in text)


@given(text=st.text(st.sampled_from("0123456789AZazüß漢 -+()./\n"), max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_format_token_shows_length_and_separators_only(engine: Engine, text: str) -> None:
    [token, other, none] = engine(FORMAT, "VARCHAR", text, text, None)
    assert (token, none) == (other, None)
    if sum(" " <= c <= "~" and not c.isalnum() for c in text) <= 8:
        assert pattern(token) == pattern(text)
    else:
        assert len(token) == 32
        assert token.isalnum()


def test_a_format_token_changes_with_value_and_key(engine: Engine) -> None:
    [one, other] = engine(FORMAT, "VARCHAR", "+1 (555) 010-4477", "+1 (555) 010-4478")
    [again] = engine(FORMAT, "VARCHAR", "+1 (555) 010-4477", key=b"another key of a test")
    assert len({one, other, again, "+1 (555) 010-4477"}) == 4


def test_the_format_of_a_long_text_is_not_kept(engine: Engine) -> None:
    [short, long] = engine(FORMAT, "VARCHAR", "a" * 32, "a" * 33)
    assert (len(short), len(long)) == (32, 32)
    assert engine(FORMAT, "VARCHAR", "b" * 500)[0] != long


@pytest.mark.parametrize(
    ("type_", "step", "value", "wanted"),
    [
        ("DATE", "year", date(1961, 5, 4), date(1961, 1, 1)),
        ("DATE", "week", date(2024, 5, 4), date(2024, 4, 29)),
        ("TIMESTAMP", "quarter", datetime(2024, 5, 4, 3, 2, 1), datetime(2024, 4, 1)),
        ("INTEGER", "10", -3, -10),
        ("INTEGER", "10", 39, 30),
        ("DOUBLE", "10", 39.9, 30.0),
        ("DECIMAL(9,2)", "1000", Decimal("1999.99"), 1000.0),
        ("INTEGER", "age 10", 89, 80),
        ("INTEGER", "age 10", 90, 90),
        ("INTEGER", "age 10", 104, 90),
        ("INTEGER", "age 10", -5, 0),
        ("VARCHAR", "zip3", "10027-1234", "100"),
        ("VARCHAR", "zip3", "03601", "000"),
        ("VARCHAR", "zip3", "Anna", None),
    ],
)
def test_values_become_general(engine: Engine, type_: str, step: str, value: Any, wanted: Any) -> None:
    assert engine(Form(transform="generalise", on=("v",), step=step), type_, value, None) == [wanted, None]


def test_days_are_those_of_utc_in_all_sessions(engine: Engine) -> None:
    form = Form(transform="generalise", on=("v",), step="day")
    late = datetime(2024, 5, 4, 23, 30, tzinfo=UTC)
    [found] = engine(form, "TIMESTAMP WITH TIME ZONE", late, zone="Asia/Tokyo")
    assert found == datetime(2024, 5, 4, tzinfo=UTC).timestamp() * 1e6


@given(number=st.integers(-(2**63), 2**63 - 1), step=st.integers(1, 10**6))
@settings(max_examples=40, deadline=None)
def test_bands_and_rounding_hold_what_they_say(engine: Engine, number: int, step: int) -> None:
    [band] = engine(Form(transform="generalise", on=("v",), step=str(step)), "BIGINT", number)
    [near] = engine(Form(transform="round", on=("v",), step=str(step)), "BIGINT", number)
    assert band is None or (band % step == 0 and 0 <= number - band < step)
    assert near is None or (near % step == 0 and abs(number - near) * 2 <= step)
    assert None not in (band, near) or abs(number) > 2**62


@given(number=st.floats(-1e9, 1e9), step=st.sampled_from(["0.1", "0.25", "5", "1000"]))
@settings(max_examples=40, deadline=None)
def test_rounding_twice_is_rounding_once(engine: Engine, number: float, step: str) -> None:
    form = Form(transform="round", on=("v",), step=step)
    [once] = engine(form, "DOUBLE", number)
    assert engine(form, "DOUBLE", once) == [once]


@given(address=st.ip_addresses(v=4), bits=st.integers(1, 32))
@settings(max_examples=40, deadline=None)
def test_an_address_becomes_its_network(engine: Engine, address: ipaddress.IPv4Address, bits: int) -> None:
    form = Form(transform="ip_prefix", on=("v",), length=bits)
    wanted = str(ipaddress.ip_network((address, bits), strict=False))
    assert engine(form, "VARCHAR", str(address), f"::ffff:{address}") == [wanted, wanted]


@given(address=st.ip_addresses(v=6), bits=st.integers(1, 32))
@settings(max_examples=60, deadline=None)
def test_a_long_address_becomes_its_network(engine: Engine, address: ipaddress.IPv6Address, bits: int) -> None:
    form = Form(transform="ip_prefix", on=("v",), length=bits)
    found = engine(form, "VARCHAR", str(address), address.exploded)
    assert [ipaddress.ip_network(each) for each in found] == [
        ipaddress.ip_network((address, 2 * bits), strict=False)
    ] * 2


def test_by_default_three_numbers_or_three_groups_stay(engine: Engine) -> None:
    form = Form(transform="ip_prefix", on=("v",))
    assert engine(form, "VARCHAR", "203.0.113.77", "2001:db8::1") == ["203.0.113.0/24", "2001:db8:0::/48"]


def test_what_is_no_address_shows_nothing(engine: Engine) -> None:
    form = Form(transform="ip_prefix", on=("v",), length=32)
    wrong = [
        "256.1.1.1",
        "1.2.3",
        "a:b",
        "1::2::3",
        "fe80::1%eth0",
        "anna@example.org",
        "1:2:3:4:5:6:7:8::",
        "12345::",
        ":1::",
        "",
    ]
    assert engine(form, "VARCHAR", *wrong, None) == [None] * (len(wrong) + 1)


@given(text=TEXTS, length=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_nothing_longer_than_the_bound_survives(engine: Engine, text: str, length: int) -> None:
    form = Form(transform="truncate", on=("v",), length=length)
    [found, none] = engine(form, "VARCHAR", text, None)
    assert (found, none) == (text[:length], None)
    assert engine(form, "VARCHAR", found) == [found]


@pytest.mark.parametrize(
    "type_", ["VARCHAR", "INTEGER", "DATE", "TIMESTAMP WITH TIME ZONE", "UUID", "BLOB", "INTEGER[]"]
)
def test_what_is_redacted_is_the_same_for_all_rows(engine: Engine, type_: str) -> None:
    samples = {"VARCHAR": "Anna", "INTEGER": 7, "DATE": date(2024, 1, 1), "INTEGER[]": [1], "BLOB": b"x"}
    [one, other] = engine(Form(transform="redact", on=("v",)), type_, samples.get(type_), None)
    assert one == other
    assert one != samples.get(type_) or type_ == "UUID"


@pytest.mark.parametrize("step", ["10", "laplace 10", "gaussian 10"])
def test_noise_is_the_same_at_every_asking_and_about_as_large_as_said(engine: Engine, step: str) -> None:
    form = Form(transform="noise", on=("v",), key="crm", step=step)
    values = list(range(1000, 3000))
    found = engine(form, "INTEGER", *values, None)
    assert found == engine(form, "INTEGER", *values, None)
    assert found.pop() is None
    shifts = [each - value for each, value in zip(found, values, strict=True)]
    spread = (sum(each**2 for each in shifts) / len(shifts)) ** 0.5
    assert abs(sum(shifts) / len(shifts)) < 1.5
    assert spread == pytest.approx(10 if "gaussian" in step else 14.1, rel=0.15)


def test_one_value_has_one_noise_so_that_no_number_of_rows_averages_it_out(engine: Engine) -> None:
    form = Form(transform="noise", on=("v",), key="crm", step="10")
    assert len(set(engine(form, "BIGINT", *[50_000] * 20))) == 1
    assert engine(form, "BIGINT", 50_000) != engine(form, "BIGINT", 50_000, key=b"another key of a test")


@pytest.mark.parametrize("name", ["md5", "sha256", "SHA-1", "hash"])
def test_hashes_without_a_key_do_not_exist(name: str) -> None:
    refused = transformed(Form(transform=name, on=("v",)), "v", "VARCHAR", "pii.email")
    assert isinstance(refused, Diagnostic)
    assert (refused.code, "without a key" in refused.message) == ("HW1270", True)


@pytest.mark.parametrize(
    ("form", "type_", "code"),
    [
        (Form(transform="hamc"), "VARCHAR", "HW1270"),
        (Form(transform="hmac"), "VARCHAR", "HW1273"),
        (Form(transform="redact", key="crm"), "VARCHAR", "HW1273"),
        (Form(transform="hmac", key="crm"), "DOUBLE", "HW1271"),
        (Form(transform="format_token", key="crm"), "BIGINT", "HW1271"),
        (Form(transform="generalise", step="hour"), "DATE", "HW1272"),
        (Form(transform="generalise", step="0"), "BIGINT", "HW1272"),
        (Form(transform="generalise", step="age 0"), "BIGINT", "HW1272"),
        (Form(transform="generalise", step="10"), "INTEGER[]", "HW1271"),
        (Form(transform="truncate"), "VARCHAR", "HW1272"),
        (Form(transform="truncate", length=3), "BIGINT", "HW1271"),
        (Form(transform="ip_prefix", length=33), "VARCHAR", "HW1272"),
        (Form(transform="round", step="1; DROP"), "BIGINT", "HW1272"),
        (Form(transform="noise", key="crm", step="uniform 3"), "BIGINT", "HW1272"),
    ],
)
def test_forms_that_cannot_be_are_refused(form: Form, type_: str, code: str) -> None:
    refused = transformed(form, "v", type_, "pii.email")
    assert isinstance(refused, Diagnostic)
    assert refused.code == code


@pytest.mark.parametrize(
    ("form", "type_", "class_", "shape"),
    [
        (TOKEN, "VARCHAR", "pii.email", "token"),
        (TOKEN, "VARCHAR", "unclassified", "token"),
        (TOKEN, "VARCHAR", "secret", "raw"),
        (FORMAT, "VARCHAR", "pii.phone", "token"),
        (FORMAT, "VARCHAR", "pii.email", "raw"),
        (Form(transform="truncate", length=254), "VARCHAR", "pii.email", "raw"),
        (Form(transform="truncate", length=3), "VARCHAR", "pii.zip", "coarse"),
        (Form(transform="truncate", length=4), "VARCHAR", "pii.zip", "raw"),
        (Form(transform="ip_prefix"), "VARCHAR", "pii.ip", "coarse"),
        (Form(transform="ip_prefix", length=25), "VARCHAR", "pii.ip", "raw"),
        (Form(transform="generalise", step="year"), "DATE", "pii.birth_date", "coarse"),
        (Form(transform="generalise", step="month"), "DATE", "pii.birth_date", "raw"),
        (Form(transform="generalise", step="age 10"), "INTEGER", "pii.age", "coarse"),
        (Form(transform="generalise", step="age 1"), "INTEGER", "pii.age", "raw"),
        (Form(transform="generalise", step="10"), "INTEGER", "pii.age", "raw"),
        (Form(transform="round", step="10"), "INTEGER", "financial.salary", "raw"),
        (Form(transform="redact"), "VARCHAR", "secret", "coarse"),
    ],
)
def test_the_table_says_what_is_lowered(form: Form, type_: str, class_: str, shape: str) -> None:
    made = transformed(form, "v", type_, class_, own=True)
    assert isinstance(made, Transformed)
    assert made.shape == shape


def test_of_what_a_model_computes_only_forms_that_show_nothing_lower() -> None:
    forms = [
        (TOKEN, "VARCHAR"),
        (Form(transform="redact"), "VARCHAR"),
        (Form(transform="generalise", step="year"), "DATE"),
        (Form(transform="ip_prefix"), "VARCHAR"),
        (FORMAT, "VARCHAR"),
    ]
    shapes = [transformed(form, "v", type_, "pii.ip") for form, type_ in forms]
    assert [each.shape for each in shapes if isinstance(each, Transformed)] == ["token", "coarse", "raw", "raw", "raw"]


def test_the_documentation_shows_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()
    shown = [line for line in page.splitlines() if line.endswith(("| token |", "| coarse |"))]
    for line in TABLE:
        rows = [each for each in shown if f"`{line.transform}`" in each and line.bound.split(" ")[0] in each]
        named = [each.removesuffix(".*") for each in line.classes if each not in ("*", "secret.*")]
        assert any(all(f"`{name}`" in row for name in named) and f"| {line.shape} |" in row for row in rows), line
