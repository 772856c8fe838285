"""Forms of one column: the SQL that makes them at the site, their type, and what is left of the column's class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.policy import coarsening as coarse
from headwater.policy import tokens
from headwater.policy.lowering import lowered
from headwater.policy.values import Shape
from headwater.spec.policies import Form
from headwater.sql.text import quote_identifier

KEYED: Final = frozenset({"hmac", "format_token", "noise"})
_UNKEYED: Final = frozenset({"md5", "sha1", "sha256", "sha512", "hash", "crc32", "xxhash", "murmur"})
_MOST_BITS: Final = 32
_POOLED_BANDS: Final = range(1, coarse.POOLED_AGE + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformed:
    """What takes the place of a column."""

    expression: str
    """Over the column by its name; keys are parameters (``tokens.parameter_names``)."""
    type: str
    shape: Shape
    """In which form the class leaves; ``raw``: the transform lowers nothing."""
    key: str = ""
    """Name of the key that it needs at the site."""


Made = tuple[str, str] | Diagnostic
"""(expression, type)."""


def transformed(form: Form, column: str, type_: str, class_: str, *, own: bool = False) -> Transformed | Diagnostic:
    """Give what takes the place of a column of a DuckDB type and a class; ``own``: see ``lowered``."""
    make = _MAKERS.get(form.transform)
    if make is None:
        return _unknown(form.transform)
    if wrong := _key_mistake(form):
        return wrong
    made = make(form, quote_identifier(column), type_)
    if isinstance(made, Diagnostic):
        return made
    shape = lowered(form, class_, own=own)
    return Transformed(expression=made[0], type=made[1], shape=shape, key=form.key)


def _unknown(name: str) -> Diagnostic:
    if name.lower().replace("-", "").replace("_", "") in _UNKEYED:
        hint = "whoever can guess a value can guess its hash: use `hmac` with a key from `keys:`"
        return error("HW1270", f"`{name}` makes hashes without a key, which hide nothing", hint=hint)
    hint = suggest(name, _MAKERS) or "there are " + ", ".join(sorted(_MAKERS))
    return error("HW1270", f"there is no transform `{name}`", hint=hint)


def _key_mistake(form: Form) -> Diagnostic | None:
    if form.transform in KEYED and not form.key:
        return error("HW1273", f"`{form.transform}` needs a key", hint="name one from `keys:` as `key:`")
    if form.key and form.transform not in KEYED:
        return error("HW1273", f"`{form.transform}` uses no key", hint="take `key:` away, or use `hmac`")
    return None


def _misfit(form: Form, type_: str, fits: str) -> Diagnostic:
    return error("HW1271", f"`{form.transform}` is for {fits}, not for a column of type {type_}")


def _misstep(form: Form, wanted: str) -> Diagnostic:
    return error("HW1272", f"`step: {form.step or '(nothing)'}` of `{form.transform}` is not {wanted}")


def _hmac(form: Form, column: str, type_: str) -> Made:
    found = tokens.canonical_text(column, type_)
    if found is None:
        hint = "cast it to text, a decimal or a whole number first"
        return error("HW1271", f"a column of type {type_} has no one text per value to make a token of", hint=hint)
    return tokens.token(form.key, *found), "VARCHAR"


def _format_token(form: Form, column: str, type_: str) -> Made:
    if type_ != "VARCHAR":
        return _misfit(form, type_, "texts")
    return tokens.format_token(form.key, column), "VARCHAR"


def _generalise(form: Form, column: str, type_: str) -> Made:
    if type_ in coarse.TIMES:
        units = coarse.UNITS[1:] if type_ == "DATE" else coarse.UNITS
        wanted = f"one of {', '.join(units)}"
        return (coarse.stretch(column, type_, form.step), type_) if form.step in units else _misstep(form, wanted)
    if type_ == "VARCHAR":
        return (coarse.zip3(column), type_) if form.step == "zip3" else _misstep(form, "`zip3`, which texts need")
    if coarse.is_number(type_):
        return _banded(form, column, type_)
    return _misfit(form, type_, "dates, times, numbers and ZIP codes")


def _banded(form: Form, column: str, type_: str) -> Made:
    word, _, width = form.step.rpartition(" ")
    size = int(width) if width.isascii() and width.isdigit() and len(width) <= 15 else 0  # noqa: PLR2004 - digits
    if word == "age" and size in _POOLED_BANDS:
        return coarse.age(column, type_, size), "INTEGER"
    if word or not size:
        return _misstep(form, "a whole number (the width of bands) or `age` and a width, such as `age 10`")
    return coarse.band(column, type_, size), coarse.number_type(type_)


def _ip_prefix(form: Form, column: str, type_: str) -> Made:
    bits = 24 if form.length is None else form.length
    if type_ != "VARCHAR":
        return _misfit(form, type_, "texts")
    if not 1 <= bits <= _MOST_BITS:
        return error("HW1272", f"`length: {bits}` of `ip_prefix` is not between 1 and {_MOST_BITS} bits")
    return coarse.ip_prefix(column, bits), "VARCHAR"


def _truncate(form: Form, column: str, type_: str) -> Made:
    if type_ != "VARCHAR":
        return _misfit(form, type_, "texts")
    if form.length is None or form.length < 1:
        return error("HW1272", "`truncate` needs `length:`, how many characters it keeps")
    return coarse.truncated(column, form.length), "VARCHAR"


def _redact(_: Form, __: str, type_: str) -> Made:
    return coarse.constant(type_), type_


def _round(form: Form, column: str, type_: str) -> Made:
    step = coarse.positive_number(form.step)
    if not coarse.is_number(type_):
        return _misfit(form, type_, "numbers")
    if not step:
        return _misstep(form, "a number above 0, such as 10 or 0.5")
    whole = step.isdigit() and type_ in coarse.INTEGERS
    return coarse.rounded(column, type_, step), "BIGINT" if whole else "DOUBLE"


def _noise(form: Form, column: str, type_: str) -> Made:
    law, _, scale = form.step.rpartition(" ")
    text = tokens.canonical_text(column, type_) or (f"CAST({column} AS VARCHAR)", "")
    if not coarse.is_number(type_):
        return _misfit(form, type_, "numbers")
    if law not in ("", "laplace", "gaussian") or not coarse.positive_number(scale):
        return _misstep(form, "a number above 0, such as 10, or `gaussian 10`")
    return tokens.noise(form.key, column, text[0], law or "laplace", scale), "DOUBLE"


_MAKERS: Final[Mapping[str, Callable[[Form, str, str], Made]]] = {
    "hmac": _hmac,
    "format_token": _format_token,
    "generalise": _generalise,
    "ip_prefix": _ip_prefix,
    "truncate": _truncate,
    "redact": _redact,
    "round": _round,
    "noise": _noise,
}
TRANSFORMS: Final = tuple(_MAKERS)
"""All that there are."""
