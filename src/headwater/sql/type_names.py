"""DuckDB's type names as a tree: ``STRUCT(a INTEGER[3], "b c" MAP(VARCHAR, HUGEINT))`` and back."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_ALIASES: Final = {
    "INT128": "HUGEINT",
    "UINT128": "UHUGEINT",
    "VARINT": "BIGNUM",
    "BITSTRING": "BIT",
    "TIMETZ": "TIME WITH TIME ZONE",
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP_US": "TIMESTAMP",
    "TEXT": "VARCHAR",
    "STRING": "VARCHAR",
    "INT": "INTEGER",
    "LONG": "BIGINT",
    "BOOL": "BOOLEAN",
    "REAL": "FLOAT",
    "BYTEA": "BLOB",
}
_TOKEN: Final = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[A-Za-z_]\w*|\d+|[(),\[\]])""")


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type: a scalar (``parts`` empty), or LIST, ARRAY (of ``size``), STRUCT, MAP or UNION of named parts.

    ``text`` is a scalar as written (``DECIMAL(38,0)``), ``head`` its name without arguments.
    """

    head: str
    parts: tuple[tuple[str, "TypeName"], ...] = ()
    text: str = ""
    size: int = 0

    @property
    def is_leaf(self) -> bool:
        """Whether it is a scalar."""
        return not self.parts

    def __str__(self) -> str:
        """Write it as DuckDB reads it (a STRUCT without field names is only shown: SQL cannot name that type)."""
        if self.is_leaf:
            return self.text
        inner = [str(part) for _, part in self.parts]
        match self.head:
            case "LIST":
                return f"{inner[0]}[]"
            case "ARRAY":
                return f"{inner[0]}[{self.size}]"
            case "MAP":
                return f"MAP({inner[0]}, {inner[1]})"
            case _:
                names = (_name(name) for name, _ in self.parts)
                fields = ", ".join(f"{n} {t}".strip() for n, t in zip(names, inner, strict=True))
                return f"{self.head}({fields})"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if name else ""


@lru_cache(maxsize=4096)
def parse_type(text: str) -> TypeName:
    """Read a type as DuckDB writes it; a text that is not one is taken as a scalar by itself.

    >>> str(parse_type('STRUCT(a INTEGER, "b c" DECIMAL(9,2)[])[3]'))
    'STRUCT("a" INTEGER, "b c" DECIMAL(9,2)[])[3]'
    """
    tokens = _tokens(text)
    reader = _Reader(tokens)
    try:
        tree = reader.type() if tokens else None
    except (IndexError, ValueError):
        tree = None
    return tree if tree and reader.is_done else TypeName(text.strip().upper(), text=text.strip())


def _tokens(text: str) -> list[str]:
    """Cut a type into words, quoted names, literals and signs; nothing if it is no such text."""
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            return []
        tokens.append(found[1])
        at = found.end()
    return tokens


class _Reader:
    """Reads tokens from left to right; running out of them is an IndexError."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def is_done(self) -> bool:
        """Whether every token was read."""
        return self._at == len(self._tokens)

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def type(self) -> TypeName:
        """Read a type with its ``[]`` and ``[n]``."""
        tree = self._plain()
        while self._peek() == "[":
            self._next()
            if self._peek() == "]":
                tree = TypeName("LIST", (("", tree),))
            else:
                tree = TypeName("ARRAY", (("", tree),), size=int(self._next()))
            self._next()
        return tree

    def _plain(self) -> TypeName:
        head = self._next()
        word = head.upper()
        if word in {"STRUCT", "UNION"} and self._peek() == "(":
            return TypeName(word, self._fields())
        if word == "MAP" and self._peek() == "(":
            return TypeName(word, self._fields())
        return self._scalar(head)

    def _fields(self) -> tuple[tuple[str, TypeName], ...]:
        fields = []
        while self._next() in {"(", ","}:
            name = self._unquoted(self._next()) if self._is_named() else ""
            fields.append((name, self.type()))
        return tuple(fields)

    def _is_named(self) -> bool:
        """Whether a name stands before the type: two words in a row that are not one type of two words."""
        first, second = self._peek(), self._peek(1)
        return second not in {"(", ")", "[", ","} and not (first[:1] != '"' and second.upper() == "WITH")

    @staticmethod
    def _unquoted(name: str) -> str:
        return name[1:-1].replace('""', '"') if name.startswith('"') else name

    def _scalar(self, head: str) -> TypeName:
        word = head if head.startswith('"') else head.upper()
        if self._peek().upper() in {"WITH", "WITHOUT"}:
            word = " ".join([word, *(self._next().upper() for _ in range(3))])
        word = _ALIASES.get(word, word)
        if self._peek() != "(":
            return TypeName(word, text=word)
        return TypeName(word, text=word + self._arguments())

    def _arguments(self) -> str:
        text = ""
        while not text.endswith(")") or self._tokens[self._at - 1] != ")":
            text += self._next()
        return text
