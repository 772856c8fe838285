"""Classes of columns: the words that are known, which stands below which, and what a slip was meant to be."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

PUBLIC: Final = "public"
PERSONAL: Final = "pii"
"""``pii``, and everything below it, such as ``pii.email``."""
KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    PUBLIC: (),
    "internal": (),
    "confidential": (),
    "restricted": (),
    "unclassified": (),
    PERSONAL: (
        *("name", "first_name", "last_name", "username", "email", "phone", "address", "street", "city", "zip"),
        *("location", "birth", "age", "gender", "nationality", "ethnicity", "religion", "photo", "voice", "biometric"),
        *("ip", "mac", "device", "cookie", "id", "national_id", "ssn", "tax_id", "passport", "license", "vehicle"),
    ),
    "phi": ("id", "record", "diagnosis", "treatment", "medication", "lab", "insurance", "provider", "note"),
    "pci": ("pan", "cvv", "pin", "expiry", "holder", "track"),
    "financial": ("iban", "account", "balance", "salary", "income", "credit", "tax", "transaction", "amount"),
    "secret": ("password", "token", "key"),
}
"""First word → what is known below it. One's own classes are other words, below these or beside them."""
_CLASS: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9][a-z0-9_]*)*")
_LONGEST: Final = 100
_CLOSE: Final = 0.75
_VERY_CLOSE: Final = 0.85
"""How alike a slip and what was meant are, from 0 to 1: a part of a class, or a whole one."""


def is_class(text: str) -> bool:
    """Whether a text can be a class: words of lower-case letters, digits and _, with dots between them.

    >>> is_class("pii.email"), is_class("hr.badge_number"), is_class("PII"), is_class("pii email")
    (True, True, False, False)
    """
    return len(text) <= _LONGEST and _CLASS.fullmatch(text) is not None


def is_within(class_: str, of: str) -> bool:
    """Whether a class is another one, or stands below it.

    >>> is_within("pii.email", "pii"), is_within("PII", "pii"), is_within("piix", "pii"), is_within("", "pii")
    (True, True, False, False)
    """
    own, other = class_.casefold(), of.casefold()
    return own == other or own.startswith(f"{other}.")


def meant(class_: str) -> str:
    """Give the known class that was probably meant; empty for known classes, and for one's own.

    >>> meant("pii.emial"), meant("publik"), meant("pi.email"), meant("pii.email"), meant("hr.badge"), meant("pii.ipv4")
    ('pii.email', 'public', 'pii.email', '', '', '')
    """
    first, _, rest = class_[:_LONGEST].partition(".")
    if first in KNOWN:
        close = [] if rest in KNOWN[first] else get_close_matches(rest, KNOWN[first], n=1, cutoff=_CLOSE)
        return f"{first}.{close[0]}" if close else ""
    whole = [f"{root}.{part}" for root, parts in KNOWN.items() for part in parts]
    if rest and (close := get_close_matches(class_[:_LONGEST], whole, n=1, cutoff=_VERY_CLOSE)):
        return close[0]
    close = get_close_matches(first, KNOWN, n=1, cutoff=_CLOSE)
    return ".".join(filter(None, (close[0], rest))) if close else ""
