"""Tokens of the interface language, with their places for error messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


class AbiError(Exception):
    """A mistake in an input file, told as `file:line: message`."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")


@dataclass(frozen=True)
class Place:
    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Token:
    kind: str  # name, number, symbol, documentation, end
    text: str
    place: Place


PATTERN = re.compile(
    r"(?P<space>[ \t\r]+)"
    r"|(?P<newline>\n)"
    r"|(?P<documentation>///[^\n]*)"
    r"|(?P<comment>//[^\n]*)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>0x[0-9a-fA-F]+|[0-9]+)"
    r"|(?P<symbol>->|[{}()\[\]<>:,=@])"
)


def tokenize(text: str, file: Path) -> list[Token]:
    """All tokens and a final `end`. A documentation comment that follows code on its line belongs to that code and is
    dropped here: only those on lines of their own describe declarations."""
    tokens: list[Token] = []
    line = 1
    position = 0
    line_has_code = False
    while position < len(text):
        match = PATTERN.match(text, position)
        if match is None:
            raise AbiError(Place(file, line), f"unexpected character {text[position]!r}")
        position = match.end()
        kind = match.lastgroup
        if kind == "newline":
            line += 1
            line_has_code = False
        elif kind == "documentation":
            if not line_has_code:
                tokens.append(Token("documentation", match.group()[3:].strip(), Place(file, line)))
        elif kind in ("name", "number", "symbol"):
            tokens.append(Token(kind, match.group(), Place(file, line)))
            line_has_code = True
    tokens.append(Token("end", "end of file", Place(file, line)))
    return tokens
