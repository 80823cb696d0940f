"""The conversation between the runner and the guest about one command: lines of text on the `control` port.

A line is a verb and its words, separated by exactly one space and ended by a newline. Words are percent-encoded, so any
byte may stand in them; an empty word is an empty string. See docs/run-protocol.md for the verbs.
"""
from __future__ import annotations

import os

MAXIMUM_LINE = 1 << 20
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=:,+@")
_ENCODED = [chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in range(256)]


class ProtocolError(ValueError):
    """The other side said something that is not part of the conversation."""


def encode(verb: str, *words: str | int) -> bytes:
    """One line, newline included. Words that are not valid text (from a command line) keep their bytes."""
    parts = [verb]
    for word in words:
        parts.append("".join(_ENCODED[byte] for byte in os.fsencode(str(word))))
    return (" ".join(parts) + "\n").encode("ascii")


def decode(line: bytes) -> tuple[str, list[str]]:
    """Verb and words of a line without its newline."""
    verb, *words = line.split(b" ")
    if not verb:
        raise ProtocolError("empty line")
    return verb.decode("ascii", "replace"), [os.fsdecode(_unquote(word)) for word in words]


def _unquote(word: bytes) -> bytes:
    head, *escapes = word.split(b"%")
    output = bytearray(head)
    for escape in escapes:
        try:
            if len(escape) < 2:
                raise ValueError
            output.append(int(escape[:2].decode("ascii"), 16))
        except ValueError:
            raise ProtocolError(f"bad escape in {word!r}") from None
        output += escape[2:]
    return bytes(output)


class LineReader:
    """Cuts a byte stream into lines."""

    def __init__(self):
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Complete lines that `data` finishes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAXIMUM_LINE:
            raise ProtocolError("line too long")
        return lines


class Request:
    """What the guest is asked to run."""

    def __init__(self, command: list[str], environment: dict[str, str], directory: str = "/",
                 terminal: tuple[int, int, str] | None = None):
        self.command, self.environment = command, environment
        self.directory, self.terminal = directory, terminal

    def encode(self) -> bytes:
        """All lines, `go` last."""
        lines = [encode("command", *self.command), encode("directory", self.directory)]
        lines += [encode("environment", f"{name}={value}") for name, value in self.environment.items()]
        if self.terminal:
            lines.append(encode("terminal", *self.terminal))
        return b"".join(lines + [encode("go")])


class Outcome:
    """How the command ended: its exit status (128 + N after signal N), and how many bytes of output belong to it."""

    def __init__(self, status: int, stdout_bytes: int, stderr_bytes: int):
        self.status, self.stdout_bytes, self.stderr_bytes = status, stdout_bytes, stderr_bytes


def outcome(verb: str, words: list[str]) -> Outcome | None:
    """The end of the command, if this line reports it: `exit STATUS OUT ERR` or `signal NUMBER OUT ERR`."""
    if verb not in ("exit", "signal"):
        return None
    try:
        number, stdout_bytes, stderr_bytes = (int(word) for word in words)
    except ValueError:
        raise ProtocolError(f"{verb} needs three numbers, got {words}") from None
    if min(number, stdout_bytes, stderr_bytes) < 0 or number > (255 if verb == "exit" else 127):
        raise ProtocolError(f"{verb} out of range: {words}")
    return Outcome(number if verb == "exit" else 128 + number, stdout_bytes, stderr_bytes)
