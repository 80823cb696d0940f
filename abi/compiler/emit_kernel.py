"""Back end: Bedrock's side of system calls. Argument structs, handler prototypes, decoding with rights checks, the table."""

from __future__ import annotations

from cpp import comment, data_type, head, identifier, is_enumeration, rights_expression
from model import Field, Program, SystemCall


def handled(program: Program) -> list[SystemCall]:
    return [call for call in program.system_calls if "message" not in call.annotations]


def object_kinds_used(program: Program) -> list[str]:
    kinds = {f.type.name for c in handled(program) for f in c.arguments if f.type.kind == "handle"} - {"any"}
    return sorted(kinds)


def carries_value(field: Field) -> bool:
    """Handlers of these arguments also need the handle itself: to consume it, to derive from it, or to see its rights."""
    if field.type.name == "IoRegion" and ("map" in field.type.rights or "duplicate" in field.type.rights):
        return True
    return field.type.name == "Reply" or (field.type.name == "any" and bool(field.type.rights))


def carries_rights(field: Field) -> bool:
    """Which access a mapping may have follows from the other rights."""
    return field.type.name == "MemoryObject" and "map" in field.type.rights


def argument_members(field: Field) -> list[str]:
    name = identifier(field.name)
    match field.type.kind:
        case "handle" if field.type.name == "any" and not field.type.rights:
            return [f"AnyHandle {name};"]
        case "handle":
            kind = "KernelObject" if field.type.name == "any" else field.type.name
            value = [f"abi::Handle {field.name}_value;"] if carries_value(field) else []
            value += [f"abi::Rights {field.name}_rights;"] if carries_rights(field) else []
            return [f"Ref<{kind}> {name};"] + value
        case "in_bytes":
            return [f"UserBytesIn {name};"]
        case "out_bytes":
            return [f"UserBytesOut {name};"]
        case "out_struct":
            return [f"UserOut<abi::{field.type.name}> {name};"]
    return [f"{data_type(field.type)} {name};"]


def result_type(call: SystemCall) -> str:
    if not call.results:
        return "Result<>"
    if len(call.results) == 1:
        return f"Result<{data_type(call.results[0].type)}>"
    return f"Result<{call.camel_name}Result>"


def emit_kernel_calls(program: Program, source: str) -> str:
    lines = head("What a handler of a system call gets and gives back. Handles are looked up, with their rights, before it runs.", source)
    lines += ["#pragma once", "", "#include <cstdint>", "", '#include "abi/message.h"', '#include "abi/types.h"']
    lines += ['#include "kernel/user_copy/user_span.h"', '#include "lib/base/ref.h"', '#include "lib/base/result.h"', '#include "lib/base/units.h"', ""]
    lines += ["namespace astrata::kernel {", "", "class KernelObject;"]
    kinds = sorted({*object_kinds_used(program), "Thread"})
    lines += [f"class {kind};" for kind in kinds]
    lines += ["", "/// A handle that the handler resolves itself.", "struct AnyHandle {", "    abi::Handle value = 0;", "};", ""]
    for call in handled(program):
        if call.arguments:
            lines += [f"struct {call.camel_name}Args {{"] + [f"    {m}" for f in call.arguments for m in argument_members(f)] + ["};"]
        else:
            lines.append(f"struct {call.camel_name}Args {{}};")
        if len(call.results) > 1:
            lines += [f"struct {call.camel_name}Result {{"]
            lines += [f"    {data_type(f.type)} {identifier(f.name)}{{}};" for f in call.results] + ["};"]
        lines += comment(call.documentation)
        lines += [f"{result_type(call)} sys_{call.name}(Thread& caller, {call.camel_name}Args const& args);", ""]
    lines += ["}  // namespace astrata::kernel", ""]
    return "\n".join(lines)


def emit_kernel_dispatch(program: Program, source: str) -> str:
    lines = head("Decoding of system calls and the table that Bedrock's entry code calls through.", source)
    lines += [
        "// Included once, after kernel/object/lookup.h and every object's definition. A row whose function is null is a message call,",
        "// which the entry code handles itself.",
        "",
        "namespace astrata::kernel {",
        "",
        "/// Returns the status; results go straight into the caller's registers.",
        "struct SyscallRow {",
        "    std::uint64_t (*dispatch)(Thread& caller, SyscallRegisters raw);",
        "    char const* name;",
        "};",
        "",
        "// clang-format off",
    ]
    for call in handled(program):
        lines += dispatch_function(program, call)
    lines += ["", f"inline constexpr SyscallRow syscall_table[{len(program.system_calls)}] = {{"]
    for call in program.system_calls:
        function = "nullptr" if "message" in call.annotations else f"dispatch_{call.name}"
        lines.append(f'    {{{function}, "{call.name}"}},')
    lines += ["};", "// clang-format on", "", "}  // namespace astrata::kernel", ""]
    return "\n".join(lines)


def dispatch_function(program: Program, call: SystemCall) -> list[str]:
    checks: list[str] = []
    members: list[str] = []
    register = 0
    for field in call.arguments:
        name, raw = identifier(field.name), f"raw[{register}]"
        if field.type.kind == "scalar" and field.type.name == "u32":
            checks.append(f"    if ({raw} >> 32 != 0) return static_cast<std::uint64_t>(Error::invalid_argument);")
        if is_enumeration(program, field.type):
            type = data_type(field.type)
            checks.append(
                f"    if ({raw} >> 32 != 0 || !is_valid(static_cast<{type}>({raw})))"
                " return static_cast<std::uint64_t>(Error::invalid_argument);"
            )
        members += [f".{m}" for m in argument_values(field, name, register)]
        register += argument_words_of(field)
    # Numbers, handles and addresses, but no buffer that could run over.
    lines = [f"[[gnu::no_stack_protector]] inline std::uint64_t dispatch_{call.name}([[maybe_unused]] Thread& caller, [[maybe_unused]] SyscallRegisters raw) {{"]
    # Plain values are checked before handles so that a bad enumerator is told even when the handle is bad too.
    lines += checks
    for field in call.arguments:
        if field.type.kind == "handle" and not (field.type.name == "any" and not field.type.rights):
            lines += lookup(call, field)
    lines.append(f"    auto const result = sys_{call.name}(caller, {call.camel_name}Args{{{', '.join(members)}}});")
    lines.append("    if (!result) [[unlikely]] return static_cast<std::uint64_t>(result.error());")
    for index, field in enumerate(call.results):
        access = "*result" if len(call.results) == 1 else f"result->{identifier(field.name)}"
        if field.type.kind == "scalar" and field.type.name == "MonotonicNs":
            access = f"({access}).value"
        lines.append(f"    raw.set_result({index}, static_cast<std::uint64_t>({access}));")
    lines += ["    return 0;", "}"]
    return lines


def argument_words_of(field: Field) -> int:
    return 2 if field.type.kind in ("in_bytes", "out_bytes") else 1


def register_of(call: SystemCall, field: Field) -> int:
    return sum(argument_words_of(f) for f in call.arguments[: call.arguments.index(field)])


def lookup(call: SystemCall, field: Field) -> list[str]:
    raw = f"raw[{register_of(call, field)}]"
    rights = rights_expression(field)
    function = "lookup_any(" if field.type.name == "any" else f"lookup_handle<{field.type.name}>("
    rights_found = f", {field.name}_rights" if carries_rights(field) else ""
    return ([f"    abi::Rights {field.name}_rights;"] if rights_found else []) + [
        f"    auto {field.name}_found = {function}caller, {raw}, {rights}{rights_found});",
        f"    if (!{field.name}_found) [[unlikely]] return static_cast<std::uint64_t>({field.name}_found.error());",
    ]


def argument_values(field: Field, name: str, register: int) -> list[str]:
    raw = f"raw[{register}]"
    match field.type.kind:
        case "handle" if field.type.name == "any" and not field.type.rights:
            return [f"{name} = AnyHandle{{{raw}}}"]
        case "handle":
            value = [f"{field.name}_value = {raw}"] if carries_value(field) else []
            value += [f"{field.name}_rights = {field.name}_rights"] if carries_rights(field) else []
            return [f"{name} = *std::move({field.name}_found)"] + value
        case "in_bytes":
            return [f"{name} = UserBytesIn{{VirtAddr{{{raw}}}, raw[{register + 1}]}}"]
        case "out_bytes":
            return [f"{name} = UserBytesOut{{VirtAddr{{{raw}}}, raw[{register + 1}]}}"]
        case "out_struct":
            return [f"{name} = UserOut<abi::{field.type.name}>{{VirtAddr{{{raw}}}}}"]
    type = data_type(field.type)
    if type == "MonotonicNs":
        return [f"{name} = MonotonicNs{{{raw}}}"]
    return [f"{name} = {raw}" if type == "std::uint64_t" else f"{name} = static_cast<{type}>({raw})"]


