"""Classes are proposed from names and values, and written into the project's files."""

import random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headwater.app.scanning.checksums import luhn
from headwater.app.scanning.proposing import propose
from headwater.app.scanning.writing import with_class
from tests.cli.conftest import CommandLine

MAILS = ["ada@example.org", "bob.b@mail.example.com", "c+d@example.co.uk", "eve@example.net", "f@example.org"]
CARDS = ["4111 1111 1111 1111", "5555555555554444", "378282246310005", "6011111111111117", "4012888888881881"]


def class_of(name, values):
    seen = propose(name, values)
    return seen and seen.class_


@pytest.mark.parametrize(
    ("name", "class_"),
    [
        ("email", "pii.email"),
        ("CustomerEmail", "pii.email"),
        ("courriel", "pii.email"),
        ("Geburtsdatum", "pii.birth"),
        ("fecha_nacimiento", "pii.birth"),
        ("Prénom", "pii.first_name"),
        ("nachname", "pii.last_name"),
        ("client_ip", "pii.ip"),
        ("PLZ", "pii.zip"),
        ("telefonnummer", "pii.phone"),
        ("codice_fiscale", "pii.national_id"),
        ("password_hash", "secret.password"),
        ("credit_card_number", "pci.pan"),
        ("gehalt", "financial.salary"),
    ],
)
def test_names_speak_in_several_languages(name, class_):
    assert class_of(name, None) == class_


@pytest.mark.parametrize(
    "name",
    [
        "amount",
        "name",
        "email_verified",
        "email_count",
        "phone_type",
        "ip_version",
        "carrier",
        "city_id",
        "ship",
        "tip",
    ],
)
def test_names_that_only_sound_like_it_speak_of_nothing(name):
    assert class_of(name, None) is None


@pytest.mark.parametrize(
    ("values", "class_"),
    [
        (MAILS, "pii.email"),
        (CARDS, "pci.pan"),
        (["192.0.2.1", "2001:db8::1", "198.51.100.7", "203.0.113.9", "::1"], "pii.ip"),
        (["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606"] * 2
         + ["NL91ABNA0417164300", "ES9121000418450200051332"], "financial.iban"),
        (["+44 20 7946 0123", "+49 30 1234567", "+1 (202) 555-0143", "+33 1 23 45 67 89", "+34 912 345 678"], "pii.phone"),
        (["00:1b:63:84:45:e6", "00:1b:63:84:45:e7", "00-1B-63-84-45-E8", "a0:00:00:00:00:01", "a0:00:00:00:00:02"], "pii.mac"),
        (["12345678Z", "X1234567L", "RSSMRA85T10A562S", "255081416802538", "529.982.247-25"], "pii.national_id"),
    ],
)  # fmt: skip
def test_values_tell_a_class_whatever_the_column_is_called(values, class_):
    assert class_of("x", values) == class_


@pytest.mark.parametrize(
    "values",
    [
        [str(4_000_000_000_000_000 + n) for n in range(200)],  # order numbers as long as cards
        [f"{n:032x}" for n in range(10**30, 10**30 + 200)],  # hashes
        [f"{n / 100:.2f}" for n in range(1000, 1200)],  # prices
        [f"2024-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(200)],  # dates of no birth
        [str(1_000_000 + n) for n in range(200)],  # order numbers as long as phone numbers
        [f"{n // 50}.{n % 50}.{n % 7}" for n in range(200)],  # versions
        [f"{n:05}" for n in range(200)],  # digits as in postal codes
        [f"ORD-{n:09}" for n in range(200)],
    ],
)
def test_what_only_looks_like_it_is_left_alone(values):
    assert class_of("reference", values) is None


def test_values_contradict_a_name():
    assert class_of("phone", ["iPhone 15", "Galaxy", "Pixel", "Xperia", "Fairphone"]) is None


def test_values_confirm_a_name():
    assert propose("email", MAILS).confidence > propose("email", None).confidence


def test_few_values_tell_nothing():
    assert class_of("x", ["a@example.org"] * 50) is None


@given(st.lists(st.text(max_size=60), max_size=20), st.text(max_size=30))
def test_no_value_is_told(values, name):
    seen = propose(name, values)
    told = " ".join(seen.reasons) if seen else ""
    assert all(value not in told for value in values if len(value) > 30)
    assert seen is None or 0 < seen.confidence < 1


@given(st.integers(0, 10**15 - 1), st.integers(0, 15), st.integers(1, 9))
def test_one_wrong_digit_is_no_card(number, at, by):
    digits = f"{number:015}"
    whole = next(f"{digits}{last}" for last in range(10) if luhn(f"{digits}{last}"))
    wrong = whole[:at] + str((int(whole[at]) + by) % 10) + whole[at + 1 :]
    assert luhn(whole)
    assert not luhn(wrong)


def test_random_digits_are_no_cards():
    chance = random.Random(7)
    assert class_of("x", [f"4{chance.randrange(10**15):015}" for _ in range(500)]) is None


def written(columns):
    return with_class(
        "s.yaml", f"sources:\n  s:\n    columns:{columns}", ("sources", "s", "columns", "mail"), "pii.email"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n      mail: {type: text}  # theirs\n", "\n      mail: {type: text, class: pii.email}  # theirs\n"),
        ("\n      mail: text  # theirs\n", "\n      mail: {type: text, class: pii.email}  # theirs\n"),
        ("\n      mail: decimal(12,2)\n", '\n      mail: {type: "decimal(12,2)", class: pii.email}\n'),
        (" {mail: text, id: bigint}\n", " {mail: {type: text, class: pii.email}, id: bigint}\n"),
        ("\n      mail:\n        # what they gave\n        type: text\n",
         "\n      mail:\n        # what they gave\n        class: pii.email\n        type: text\n"),
        ("\n      mail: {}\n", "\n      mail: {class: pii.email}\n"),
        ("\n      mail:\n      id: bigint\n", "\n      mail: {class: pii.email}\n      id: bigint\n"),
        ('\n      "mail": {"type": "text",}\n', '\n      "mail": {"type": "text", class: pii.email,}\n'),
    ],
)  # fmt: skip
def test_a_class_is_written_in_its_line(before, after):
    assert written(before) == f"sources:\n  s:\n    columns:{after}"


def test_what_is_said_by_an_alias_is_left_to_be_pasted():
    text = "sources:\n  s:\n    columns: {id: &c {type: text}, mail: *c}\n"
    assert with_class("s.yaml", text, ("sources", "s", "columns", "mail"), "pii.email") is None


def test_a_class_is_written_into_the_header_of_a_query():
    text = "/* headwater\ncolumns:\n  mail: {description: theirs}\n*/\nSELECT 'x' AS mail\n"
    assert with_class("m.sql", text, ("columns", "mail"), "pii.email") == text.replace(
        "theirs", "theirs, class: pii.email"
    )


SETTINGS = st.dictionaries(
    st.sampled_from(["type", "description", "unit"]), st.text("abc :#,{}[]'\"\n-é", max_size=12), max_size=3
)


@given(SETTINGS, SETTINGS, st.booleans(), st.integers(2, 6))
def test_nothing_else_of_a_file_changes(mail, other, is_flow, indent):
    project = {"sources": {"s": {"columns": {"id": other, "mail": mail}, "path": "x"}}}
    before = yaml.safe_dump(project, default_flow_style=is_flow, indent=indent, allow_unicode=True, sort_keys=False)
    after = with_class("s.yaml", before, ("sources", "s", "columns", "mail"), "pii.email")
    assert after is not None
    project["sources"]["s"]["columns"]["mail"] = {**mail, "class": "pii.email"}
    assert yaml.safe_load(after) == project


ROWS = [(n, f"user{n}@example.org", f"{n:05}") for n in range(20)]


@pytest.fixture
def people(project):
    project.source("people", {"id": "bigint", "contact": "text", "code": "text"}, rows=ROWS)
    project.model("contacts", "SELECT contact AS how, id FROM people")
    return CommandLine(project.workspace.root)


def test_a_source_is_scanned_and_no_value_is_shown(people):
    said = people("scan")
    assert said.code == 0
    assert "people.contact: pii.email" in said.out
    assert "user1" not in said.everything


def test_columns_made_of_it_need_no_class_of_their_own(people):
    assert [each["node"] for each in people("--json", "scan").document["proposals"]] == ["people"]


def test_what_is_accepted_is_proposed_no_more(people):
    assert people("scan", "--exit-code").code == 10
    assert people("scan", "--accept", "--yes").code == 0
    assert people("scan", "--exit-code").code == 0
    assert people("check").code == 0


def test_nothing_is_written_without_a_yes(people):
    assert people("scan", "--accept").code == 2
    assert people("scan", "--exit-code").code == 10


def test_of_rows_at_sites_only_names_are_looked_at(project):
    project.settings(sites={"hub": {}, "far": {"runtime": "local"}})
    project.source("people", {"contact": "text", "email": "text"}, at=["far"], rows=[(m, m) for m in MAILS])
    found = CommandLine(project.workspace.root)("--json", "scan").document["proposals"]
    assert [(each["column"], each["reasons"]) for each in found] == [("email", ["its name"])]


def test_a_name_that_is_none_is_a_mistake(people):
    assert [each["code"] for each in people("--json", "scan", "peple").document["diagnostics"]] == ["HW1300"]


def test_rows_that_cannot_be_read_are_said_and_names_judged(project):
    project.source("people", {"email": "text"}, rows=[("x",)])
    project.file("people", "2.csv", ["something", "else"], [("y", "z")])
    said = CommandLine(project.workspace.root)("--json", "scan").document
    assert [each["column"] for each in said["proposals"]] == ["email"]
    assert [each["code"] for each in said["diagnostics"]] == ["HW1301"]


def test_columns_that_no_file_declares_are_to_be_pasted(project):
    project.source("people", {"id": "bigint"}, rows=[(1,)])
    project.model("letters", "SELECT id, 'someone' || id || '@example.org' AS email FROM people")
    said = CommandLine(project.workspace.root)("scan", "letters", "--accept", "--yes").out
    assert "+ email: {class: pii.email}" in said
    assert "Written" not in said
