"""A fill's manifest as JSON, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from headwater.diagnostics import Broken
from headwater.spec.fills import MANIFEST_FORMAT, PACK_FORMAT, Fill, Pack, PackTime, StoredColumn, StoredFile

_OF_PACKS: Final = ("pack", "packed_rows", "packed_bytes")
_PACKED: Final = (
    *("id", "slot", "digest", "moving", "packed_rows", "packed_bytes"),
    *("rejects", "rejects_file", "attempt", "seconds", "inputs"),
)
"""What a pack's manifest says of each fill: the rest is the pack's."""


def encode(fill: Fill) -> bytes:
    """Write a manifest: one JSON object with the fields of Fill; columns and files as lists of values."""
    document = {name: getattr(fill, name) for name in Fill.__slots__ if name not in _OF_PACKS}
    document["columns"] = [[c.name, c.type, c.stored] for c in fill.columns]
    document["files"] = [asdict(f) for f in fill.files]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def is_torn(content: bytes) -> bool:
    """Whether a loss of power took the bytes before they reached the disk: nothing, or nothing but zeros."""
    return not content.strip(b"\0")


def decode(content: bytes, path: Path) -> Fill:
    """Read a manifest. Raises Broken: HW0650 if a newer Headwater wrote it, HW0653 if it is damaged."""
    document = _of_format(content, path, MANIFEST_FORMAT)
    try:
        return _fill(document)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, "its fields are not those of a manifest") from error


def encode_pack(pack: Pack, fills: Sequence[Fill]) -> bytes:
    """Write a pack's manifest: one JSON object with the fields of Pack, and its fills as lists of values."""
    import msgspec

    document = {
        **{name: getattr(pack, name) for name in Pack.__slots__},
        "columns": [[c.name, c.type, c.stored] for c in pack.columns],
        "fills": [[getattr(fill, name) for name in _PACKED] for fill in fills],
    }
    return msgspec.json.encode(document)


def decode_pack(content: bytes, path: Path) -> tuple[Fill, ...]:
    """Read a pack's manifest: its fills. Raises Broken: HW0650 if a newer Headwater wrote it, HW0653 if damaged."""
    document = _of_format(content, path, PACK_FORMAT)
    try:
        known: dict[str, Any] = {name: document[name] for name in Pack.__slots__}
        columns = tuple(StoredColumn(*column) for column in document["columns"])
        parts = {"columns": columns, "time": PackTime(**document["time"]), "file": StoredFile(**document["file"])}
        pack = Pack(**known | parts)
        return tuple(_packed(pack, dict(zip(_PACKED, values, strict=True))) for values in document["fills"])
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, "its fields are not those of a pack's manifest") from error


def _packed(pack: Pack, values: Mapping[str, Any]) -> Fill:
    inputs = tuple((node, digest) for node, digest in values["inputs"])
    place = {"node": pack.node, "version": pack.version, "site": pack.site, "columns": pack.columns, "files": ()}
    return Fill(**{**place, **values, "inputs": inputs, "pack": pack})


def _of_format(content: bytes, path: Path, newest: int) -> dict[str, Any]:
    document = read_document(content, path)
    if not isinstance(document.get("format"), int):
        raise damaged(path, "it has no format number")
    if document["format"] > newest:
        raise Broken.of(
            "HW0650",
            f"{path} was written by a newer Headwater (manifest format {document['format']})",
            hint="upgrade Headwater on this machine",
        )
    return document


def _fill(document: dict[str, Any]) -> Fill:
    known: dict[str, Any] = {
        name: document[name] for name in Fill.__slots__ if name in document and name not in _OF_PACKS
    }
    known["columns"] = tuple(StoredColumn(*column) for column in document["columns"])
    known["files"] = tuple(StoredFile(**file) for file in document["files"])
    known["inputs"] = tuple((node, digest) for node, digest in document.get("inputs", ()))
    known["read"] = tuple((source, token, path) for source, token, path in document.get("read", ()))
    known["lows"] = tuple(tuple(low) for low in document.get("lows", ()))
    return Fill(**known)


def read_document(content: bytes, path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises Broken (HW0653) if it is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise damaged(path, "it is not a JSON object")
    return document


def damaged(path: Path, why: str) -> Broken:
    """Say that a document of the lake cannot be used."""
    return Broken.of(
        "HW0653", f"{path} is damaged: {why}", hint="`headwater doctor` lists all damage and can repair it"
    )
