"""Meaning of a parsed program: names resolve, layouts have no hidden padding, calls fit their registers and messages."""

from __future__ import annotations

from lexer import AbiError
from model import (
    EVENT_KINDS,
    EVENT_WORD_LIMIT,
    MESSAGE_BYTE_LIMIT,
    MESSAGE_HANDLE_LIMIT,
    SCALAR_SIZES,
    SMALL_EVENT_KINDS,
    SYSTEM_CALL_ARGUMENT_LIMIT,
    SYSTEM_CALL_RESULT_LIMIT,
    Enumeration,
    Event,
    Field,
    File,
    Interface,
    Method,
    Program,
    Struct,
    SystemCall,
    Type,
)

SYSTEM_CALL_ANNOTATIONS = {"blocking", "direct", "message", "noreturn"}
METHOD_ANNOTATIONS = {"idempotent"}


def check(files: list[File]) -> Program:
    """Files in the order in which numbers are given. Raises AbiError for the first mistake."""
    program = Program(files)
    for file in files:
        for declaration in file.types:
            if declaration.name in program.types or declaration.name in SCALAR_SIZES:
                raise AbiError(declaration.place, f"type {declaration.name} is declared twice")
            program.types[declaration.name] = declaration
            if isinstance(declaration, Enumeration):
                check_enumeration(declaration)
            else:
                check_struct(program, declaration)
    for number, call in enumerate(program.system_calls):
        call.number = number
        check_system_call(program, call)
    check_unique(program.system_calls, "system call")
    check_unique(program.interfaces, "interface")
    for interface in program.interfaces:
        check_interface(program, interface)
    check_unique(program.events, "event")
    for number, event in enumerate(program.events, 1):
        event.number = number
        check_event(program, event)
    return program


def check_unique(items, what: str) -> None:
    seen: dict[str, object] = {}
    for item in items:
        if item.name in seen:
            raise AbiError(item.place, f"{what} {item.name} is declared twice")
        seen[item.name] = item


def check_enumeration(enumeration: Enumeration) -> None:
    check_unique(enumeration.enumerators, "enumerator")
    values: set[int] = set()
    for enumerator in enumeration.enumerators:
        if enumerator.value in values:
            raise AbiError(enumerator.place, f"value {enumerator.value} is used twice in {enumeration.name}")
        values.add(enumerator.value)
        limit = 31 if enumeration.is_flags else 2**32 - 1
        if enumerator.value > limit:
            raise AbiError(enumerator.place, f"{enumerator.name} = {enumerator.value} is above {limit}")
    if not values:
        raise AbiError(enumeration.place, f"{enumeration.name} has no enumerators")


def size_and_alignment(program: Program, type: Type, field: Field) -> tuple[int, int]:
    match type.kind:
        case "scalar":
            return SCALAR_SIZES[type.name], SCALAR_SIZES[type.name]
        case "text":
            if type.limit == 0:
                raise AbiError(field.place, "text needs a length above 0")
            return type.limit, 1
        case "named":
            declaration = program.types.get(type.name)
            if declaration is None:
                raise AbiError(field.place, f"unknown type {type.name}")
            if isinstance(declaration, Enumeration):
                return 4, 4
            return declaration.size, declaration.alignment
    raise AbiError(field.place, f"{field.name} cannot be part of a struct")


def check_struct(program: Program, struct: Struct) -> None:
    check_unique(struct.fields, "field")
    offset = 0
    for field in struct.fields:
        size, alignment = size_and_alignment(program, field.type, field)
        if offset % alignment:
            raise AbiError(
                field.place, f"{struct.name}.{field.name} would need {-offset % alignment} bytes of hidden padding before it"
            )
        field.offset = offset
        offset += size
        struct.alignment = max(struct.alignment, alignment)
    if not struct.fields:
        raise AbiError(struct.place, f"{struct.name} has no fields")
    if offset % struct.alignment:
        raise AbiError(struct.place, f"{struct.name} would need {-offset % struct.alignment} bytes of hidden padding at its end")
    struct.size = offset


def check_rights(program: Program, field: Field) -> None:
    rights = program.types.get("Rights")
    assert isinstance(rights, Enumeration)
    known = {e.name for e in rights.enumerators}
    for right in field.type.rights:
        if right not in known:
            raise AbiError(field.place, f"unknown right {right}")


def resolve_handle(program: Program, field: Field) -> None:
    """`handle: Reply` reads like a declared type; it is a handle when the name is an object kind and no type."""
    type = field.type
    if type.kind == "named" and type.name not in program.types and type.name in {*program.object_kinds(), "any"}:
        type.kind = "handle"
    if type.kind in ("handle", "new") and type.name not in {*program.object_kinds(), "any"}:
        raise AbiError(field.place, f"unknown object kind {type.name}")


def check_system_call(program: Program, call: SystemCall) -> None:
    for unknown in sorted(call.annotations - SYSTEM_CALL_ANNOTATIONS):
        raise AbiError(call.place, f"unknown annotation @{unknown}")
    check_unique(call.arguments + call.results, "parameter")
    registers = 0
    for field in call.arguments:
        resolve_handle(program, field)
        check_rights(program, field)
        registers += 2 if field.type.kind in ("in_bytes", "out_bytes") else 1
        match field.type.kind:
            case "named":
                if not isinstance(program.types.get(field.type.name), Enumeration):
                    raise AbiError(field.place, f"{field.name} must be a scalar, enum, flags, handle, bytes or `out` struct")
            case "out_struct":
                if not isinstance(program.types.get(field.type.name), Struct):
                    raise AbiError(field.place, f"unknown struct {field.type.name}")
            case "new":
                raise AbiError(field.place, "`new` belongs to results")
    if registers > SYSTEM_CALL_ARGUMENT_LIMIT:
        raise AbiError(call.place, f"{call.name} needs {registers} argument registers, there are {SYSTEM_CALL_ARGUMENT_LIMIT}")
    if len(call.results) > SYSTEM_CALL_RESULT_LIMIT:
        raise AbiError(call.place, f"{call.name} has {len(call.results)} results, at most {SYSTEM_CALL_RESULT_LIMIT} fit registers")
    for field in call.results:
        resolve_handle(program, field)
        if field.type.kind in ("in_bytes", "out_bytes", "out_struct"):
            raise AbiError(field.place, f"result {field.name} must fit a register")
        if field.type.kind == "named" and not isinstance(program.types.get(field.type.name), Enumeration):
            raise AbiError(field.place, f"unknown result type {field.type.name}")


def check_interface(program: Program, interface: Interface) -> None:
    check_unique(interface.methods, "method")
    for ordinal, method in enumerate(interface.methods, 1):
        method.ordinal = ordinal
        check_method(program, interface, method)


def check_method(program: Program, interface: Interface, method: Method) -> None:
    for unknown in sorted(method.annotations - METHOD_ANNOTATIONS):
        raise AbiError(method.place, f"unknown annotation @{unknown}")
    for fields, what in ((method.arguments, "arguments"), (method.results, "results")):
        check_unique(fields, "parameter")
        for field in fields:
            resolve_handle(program, field)
        layout = message_layout(program, fields)
        where = f"{interface.name}.{method.name}'s {what}"
        if layout.handles > MESSAGE_HANDLE_LIMIT:
            raise AbiError(method.place, f"{where} carry {layout.handles} handles, at most {MESSAGE_HANDLE_LIMIT} fit a message")
        if layout.largest > MESSAGE_BYTE_LIMIT:
            raise AbiError(method.place, f"{where} can take {layout.largest} bytes, at most {MESSAGE_BYTE_LIMIT} fit a message")


def check_event(program: Program, event: Event) -> None:
    groups = program.types.get("TraceGroups")
    if not isinstance(groups, Enumeration) or event.group not in {e.name for e in groups.enumerators}:
        raise AbiError(event.place, f"{event.group} is no group of TraceGroups")
    check_unique(event.fields, "field")
    slot = 1
    for position, field in enumerate(event.fields):
        kind = field.type.name or field.type.kind
        if kind in SMALL_EVENT_KINDS:
            if position != 0:
                raise AbiError(field.place, f"{field.name}: only the first field of an event can be {kind}")
            continue
        if kind not in EVENT_KINDS and (kind != "text" or field.type.limit == 0 or field.type.limit % 8):
            raise AbiError(field.place, f"{field.name}: an event has no fields of kind {kind}")
        field.offset = slot
        slot += field.type.limit // 8 if kind == "text" else 1
    if slot - 1 > EVENT_WORD_LIMIT:
        raise AbiError(event.place, f"{event.name} needs {slot - 1} words, a record has {EVENT_WORD_LIMIT}")


class MessageLayout:
    """Where each field of a message lies: `offsets` of the fixed part, its size, and the largest total."""

    def __init__(self) -> None:
        self.offsets: dict[str, int] = {}
        self.fixed = 0
        self.largest = 0
        self.handles = 0
        self.variable: list[Field] = []


def message_layout(program: Program, fields: list[Field]) -> MessageLayout:
    layout = MessageLayout()
    for field in fields:
        if field.type.kind == "handle":
            layout.handles += 1
            continue
        if field.type.kind in ("bytes", "text"):
            size, alignment = 4, 4
            layout.variable.append(field)
        else:
            size, alignment = size_and_alignment(program, field.type, field)
        layout.fixed += -layout.fixed % alignment
        layout.offsets[field.name] = layout.fixed
        layout.fixed += size
    layout.largest = layout.fixed + sum(field.type.limit for field in layout.variable)
    return layout
