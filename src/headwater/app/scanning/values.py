"""What values of classes look like: patterns of whole values, checked by check digits where there are some."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from headwater.app.scanning.checksums import bsn, cpf, dni, iban, luhn, nir

LONGEST: Final = 400
"""Longer values are texts, and match nothing."""
_SEPARATORS: Final = re.compile(r"[ .\-/()]+")
_CARD: Final = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
)
_GROUPED: Final = re.compile(r"\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|3\d{3}([ -])\d{6}\2\d{4,5}")
_MAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}")
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_SSN: Final = re.compile(r"(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_FISCAL: Final = re.compile(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]")
_NINO: Final = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_DNI: Final = re.compile(r"[XYZ\d]\d{7}[A-Z]")
_NIR: Final = re.compile(r"[12]\d{2}(?:0[1-9]|1[0-2])\d{10}")
_PHONE_ABROAD: Final = re.compile(r"(?:\+|00)[1-9][\d ()./-]{6,20}\d")
_PHONE: Final = re.compile(r"\+?\(?\d[\d ()./-]{5,20}\d")
_DATE: Final = re.compile(
    r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?:[T ].*)?"
    r"|(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|[12]\d|3[01])[./-](?:(?:19|20)\d\d|\d\d)"
)
_ZIP: Final = re.compile(
    r"\d{5}(?:-\d{4})?|\d{4}|\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d"
    r"|\d{2}-\d{3}|\d{5}-\d{3}|\d{3} ?\d{2}|\d{6}|\d{3}-\d{4}",
    re.IGNORECASE,
)
_PASSWORD: Final = re.compile(r"\$(?:2[aby]|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]*|[156])\$\S+")
_TOKEN: Final = re.compile(
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|gh[pousr]_\w{36,}|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abprs]-[\w-]{10,}"
    r"|[sr]k_live_\w{16,}"
)
_PHONE_DIGITS: Final = range(7, 16)


@dataclass(frozen=True, slots=True)
class Looks:
    """A pattern of values. ``is_telling``: values alone tell the class, whatever their column is called."""

    name: str
    class_: str
    fits: Callable[[str], bool]
    is_telling: bool = True


def _compact(text: str) -> str:
    return _SEPARATORS.sub("", text)


def _is_card(text: str) -> bool:
    digits = _compact(text)
    return bool(_GROUPED.fullmatch(text) and _CARD.fullmatch(digits)) and luhn(digits)


def _is_iban(text: str) -> bool:
    compact = text.replace(" ", "").upper()
    return _IBAN.fullmatch(compact) is not None and iban(compact)


def _is_ip(text: str) -> bool:
    if text.count(".") != 3 and text.count(":") < 2:  # noqa: PLR2004 - the shortest address of each kind
        return False
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_national_id(text: str) -> bool:
    """Those whose form or check digits tell them from other codes."""
    compact = _compact(text).upper()
    if _FISCAL.fullmatch(compact) or _NINO.fullmatch(compact):
        return True
    if _NIR.fullmatch(compact):
        return nir(compact)
    return (_DNI.fullmatch(compact) is not None and dni(compact)) or _is_written_cpf(text)


def _is_written_cpf(text: str) -> bool:
    return re.fullmatch(r"\d{3}\.\d{3}\.\d{3}-\d{2}", text) is not None and cpf(_compact(text))


def _is_checked_number(text: str) -> bool:
    """Plain digits that check: one in ten or eleven does by chance, so a name must say so, too."""
    digits = _compact(text)
    if not digits.isascii() or not digits.isdigit():
        return False
    return (len(digits) == 11 and cpf(digits)) or (len(digits) == 9 and bsn(digits)) or (  # noqa: PLR2004 - CPF, BSN, personnummer
        len(digits) in {10, 12} and luhn(digits[-10:])
    )  # fmt: skip


def _is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None and len(re.sub(r"\D", "", text)) in _PHONE_DIGITS


def _is_phone_abroad(text: str) -> bool:
    return _PHONE_ABROAD.fullmatch(text) is not None and text.startswith("+") and _is_phone(text)


def _whole(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


LOOKS: Final = (
    Looks("e-mail", "pii.email", _whole(_MAIL)),
    Looks("IP address", "pii.ip", _is_ip),
    Looks("MAC address", "pii.mac", _whole(_MAC)),
    Looks("payment card", "pci.pan", _is_card),
    Looks("IBAN", "financial.iban", _is_iban),
    Looks("US social security number", "pii.ssn", _whole(_SSN)),
    Looks("national id", "pii.national_id", _is_national_id),
    Looks("phone number with country", "pii.phone", _is_phone_abroad),
    Looks("password hash", "secret.password", _whole(_PASSWORD)),
    Looks("access token", "secret.token", _whole(_TOKEN)),
    Looks("phone number", "pii.phone", _is_phone, is_telling=False),
    Looks("date", "pii.birth", _whole(_DATE), is_telling=False),
    Looks("postal code", "pii.zip", _whole(_ZIP), is_telling=False),
    Looks("number with check digit", "pii.national_id", _is_checked_number, is_telling=False),
)
"""The pattern pack. Of patterns that tell by themselves, the first that fits most values wins."""


def fits(looks: Looks, value: str) -> bool:
    """Whether a value looks like this, blanks around it aside."""
    text = value.strip()
    return 0 < len(text) <= LONGEST and looks.fits(text)
