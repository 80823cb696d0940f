"""What the .abi files declare, after parsing. Sizes and offsets are filled in by the checker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from lexer import Place

SCALAR_SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "MonotonicNs": 8}

MESSAGE_BYTE_LIMIT = 4032
MESSAGE_HANDLE_LIMIT = 4
SYSTEM_CALL_ARGUMENT_LIMIT = 6
SYSTEM_CALL_RESULT_LIMIT = 3
EVENT_WORD_LIMIT = 6
# Kinds of a trace event's fields: those that fit the record's u16, and those that take a word.
SMALL_EVENT_KINDS = ("u16", "system_call")
EVENT_KINDS = ("u64", "hex", "object", "thread", "status")


@dataclass
class Type:
    """`kind` is one of scalar, named (enum, flags or struct), text, bytes, handle, new, in_bytes, out_bytes, out_struct."""

    kind: str
    name: str = ""  # scalar or declared type; object kind of a handle ("any" for all)
    limit: int = 0  # text<N>, bytes<N>
    rights: list[str] = field(default_factory=list)


@dataclass
class Field:
    name: str
    type: Type
    place: Place
    offset: int = 0


@dataclass
class Enumerator:
    name: str
    value: int
    place: Place


@dataclass
class Enumeration:
    """An enum, or flags whose enumerators' values are bit numbers."""

    name: str
    is_flags: bool
    enumerators: list[Enumerator]
    documentation: list[str]
    place: Place
    size: int = 4


@dataclass
class Struct:
    name: str
    fields: list[Field]
    documentation: list[str]
    place: Place
    size: int = 0
    alignment: int = 1


@dataclass
class SystemCall:
    name: str
    arguments: list[Field]
    results: list[Field]
    annotations: set[str]
    documentation: list[str]
    place: Place
    number: int = 0

    @property
    def camel_name(self) -> str:
        return camel(self.name)


@dataclass
class Method:
    name: str
    arguments: list[Field]
    results: list[Field]
    annotations: set[str]
    documentation: list[str]
    place: Place
    ordinal: int = 0

    @property
    def camel_name(self) -> str:
        return camel(self.name)


@dataclass
class Interface:
    name: str
    methods: list[Method]
    documentation: list[str]
    place: Place


@dataclass
class Event:
    """A kind of trace record. `offset` of a field is its slot: 0 the record's u16, 1 to 6 its words."""

    name: str
    group: str
    fields: list[Field]
    documentation: list[str]
    place: Place
    number: int = 0


Declaration = Enumeration | Struct


@dataclass
class File:
    path: Path
    types: list[Declaration] = field(default_factory=list)
    system_calls: list[SystemCall] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def stem(self) -> str:
        return self.path.stem


@dataclass
class Program:
    """All files together. `types` maps every declared type's name to its declaration."""

    files: list[File]
    types: dict[str, Declaration] = field(default_factory=dict)

    @property
    def system_calls(self) -> list[SystemCall]:
        return [call for file in self.files for call in file.system_calls]

    @property
    def interfaces(self) -> list[Interface]:
        return [interface for file in self.files for interface in file.interfaces]

    @property
    def events(self) -> list[Event]:
        return [event for file in self.files for event in file.events]

    def file_of_type(self, name: str) -> File:
        return next(file for file in self.files if any(t.name == name for t in file.types))

    def object_kinds(self) -> list[str]:
        kinds = self.types.get("ObjectKind")
        assert isinstance(kinds, Enumeration)
        return [camel(e.name) for e in kinds.enumerators]


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
