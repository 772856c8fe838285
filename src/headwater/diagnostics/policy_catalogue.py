"""Diagnostic codes of sites and policies: what may leave a place, and what happens there."""

from typing import Final

POLICY: Final[dict[str, str]] = {
    # HW125x, HW126x sites at work
    "HW1250": "rules that a site's operator has not approved",
    "HW1251": "what is read at a site has moved",
    "HW1252": "a site's engine failed",
    "HW1253": "a site has run out of memory or disk",
    "HW1254": "a site took too long",
    "HW1255": "a site went away",
    "HW1256": "question that a site cannot read",
    "HW1257": "a site speaks another protocol",
    "HW1258": "source that a site cannot read",
    "HW1259": "rows sent to a site that are not as declared",
    "HW1260": "fragment that gives other columns than expected",
    "HW1261": "question that is too large for a site",
    "HW1262": "home directory of a site that cannot be used",
    "HW1263": "audit chain of a site that is broken",
    "HW1264": "grant that cannot be cut by time",
    "HW1265": "value at a site that no file can hold",
    "HW1266": "source that a site does not hold",
    "HW1267": "secret without a value at a site",
    "HW1268": "fragment for another site",
    "HW1269": "charter that cannot be approved or withdrawn",
}
