"""Secrets are taken out of texts by their values, in every form in which programs write them."""

import base64
import html
import json
import textwrap
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.diagnostics import Diagnostic, Invalid
from headwater.diagnostics.concealing import SHORTEST, Redactor, conceal

SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C", "Z"]), min_size=10, max_size=40
).filter(lambda text: "${" not in text)
AROUND = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
FORMS = {
    "as it is": str,
    "in a URL": lambda s: quote(s, safe=""),
    "in a path": quote,
    "in a form": quote_plus,
    "as JSON": lambda s: json.dumps(s)[1:-1],
    "as Python": lambda s: repr(s)[1:-1],
    "in HTML": html.escape,
    "in SQL": lambda s: s.replace("'", "''"),
    "in hex": lambda s: s.encode().hex(),
    "in base64": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "in base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
}


def knowing(*secrets):
    redactor = Redactor()
    for number, secret in enumerate(secrets):
        redactor.learn(secret, f"${{env:S{number}}}")
    return redactor


@pytest.mark.parametrize("form", FORMS)
@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_a_secret_is_found_in_every_form(form, secret, before, after):
    written = FORMS[form](secret)
    said = knowing(secret)(f"{before} {written} {after}")
    core = written[:-3] if "base64" in form else written  # its last letters may depend on what follows
    assert core not in said or core in f"{before}  {after}"


@given(secret=SECRETS, user=st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=5))
def test_a_password_in_basic_authorization_is_found(secret, user):
    sent = base64.b64encode(f"{user}:{secret}".encode()).decode()
    shown = knowing(secret)(f"sent {sent}").removeprefix("sent ").replace("${env:S0}", "")
    assert len(shown) <= len(base64.b64encode(f"{user}:xx".encode())) + 3


@given(text=AROUND, secret=SECRETS)
def test_what_holds_no_secret_stays_as_it_is(text, secret):
    if secret[:8] not in text and "=" not in text and "://" not in text:
        assert knowing(secret)(text) == text


@given(text=st.text(max_size=60), secrets=st.lists(SECRETS, max_size=3))
def test_concealing_twice_changes_nothing(text, secrets):
    redactor = knowing(*secrets)
    once = redactor(text + "".join(secrets))
    assert redactor(once) == once


def test_a_secret_that_is_the_name_of_its_own_reference_is_replaced_once():
    redactor = Redactor()
    redactor.learn("password", "${env:password}")
    assert redactor(redactor("the password")) == "the ${env:password}"


def test_a_secret_broken_by_a_table_or_a_narrow_terminal_is_found():
    redactor = knowing("k3y-0123456789-abcdefghij")
    narrow = "\n".join(textwrap.wrap("failed with k3y-0123456789-abcdefghij at once", 10))
    assert "0123" not in redactor(narrow)
    table = "│ a │ k3y-0123456 │\n│   │ 789-abcdefg │\n│   │ hij         │"
    assert "k3y" not in redactor(table)


@pytest.mark.parametrize("ellipsis", ["…", "...", ""])
def test_a_secret_that_was_cut_off_is_found(ellipsis):
    assert knowing("k3y-0123456789-abcdefghij")(f"row: k3y-0123456789{ellipsis}") == f"row: ${{env:S0}}{ellipsis}"


def test_parts_of_a_connection_url_are_secrets_of_their_own():
    redactor = knowing("postgresql://bob:hunter2%40home@db.example/shop?sslmode=require&token=t0ken-value")
    for said in ("hunter2%40home", "hunter2@home", "t0ken-value"):
        assert redactor(f"refused: {said}!") == "refused: ${env:S0}!"
    assert redactor("it requires sslmode=require of bob") == "it requires sslmode=require of bob"


def test_the_key_in_the_path_of_a_web_hook_is_a_secret():
    assert "B0123456789abcdefghi" not in knowing("https://hooks.example/services/B0123456789abcdefghi")(
        "404 for /services/B0123456789abcdefghi"
    )


def test_the_lines_of_a_key_file_are_secrets():
    redactor = knowing("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n")
    assert redactor("bad line: 9w0BAQEFAASCBKcwggSj") == "bad line: ${env:S0}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgres://bob:hunter2@db/shop", "postgres://bob:***@db/shop"),
        ("GET /rows?page=2&access_token=abc123 failed", "GET /rows?page=2&access_token=*** failed"),
        ("headers: {'Authorization': 'Bearer abc.def'}", "headers: {'Authorization': 'Bearer ***'}"),
        ("send `Authorization: Bearer abc.def`; then look", "send `Authorization: Bearer ***`; then look"),
        ("see https://example.org/a?b=c", "see https://example.org/a?b=c"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_though_nobody_told(text, said):
    assert Redactor()(text) == said


def test_short_values_are_left_alone():
    assert knowing("x" * (SHORTEST - 1))("a xxxxx b") == "a xxxxx b"


def test_no_diagnostic_and_no_exception_holds_a_secret():
    conceal.learn("c4nary-of-diagnostics", "${env:D}")
    made = Diagnostic("HW0507", "it said c4nary-of-diagnostics", hint="not c4nary-of-diagnostics")
    assert (made.message, made.hint) == ("it said ${env:D}", "not ${env:D}")
    assert str(Invalid.of("HW0507", "c4nary-of-diagnostics")) == "${env:D}"
