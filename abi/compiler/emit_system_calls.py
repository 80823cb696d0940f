"""Back end: the user side of system calls. Numbers, the vDSO's table and functions, and typed stubs over the table."""

from __future__ import annotations

from cpp import comment, data_type, head, identifier
from model import Field, Program, SystemCall

# The vDSO functions written by hand: name and signature.
EXTRA_FUNCTIONS = [
    ("endpoint_call", "std::uint64_t", "abi::Handle endpoint, abi::Message* message, std::uint64_t deadline_ns"),
    ("endpoint_reply", "std::uint64_t", "abi::Handle reply, abi::Message const* message"),
    ("reply_and_wait", "std::uint64_t", "abi::Handle reply, abi::Message* message, abi::Handle source, std::uint64_t deadline_ns"),
    ("clock_now", "std::uint64_t", ""),
    ("clock_wall_ns", "std::uint64_t", ""),
]


def plain_calls(program: Program) -> list[SystemCall]:
    return [call for call in program.system_calls if "message" not in call.annotations]


def emit_numbers(program: Program, source: str) -> str:
    lines = head("System-call numbers, private to Bedrock and the vDSO. Also for assembler files.", source)
    lines += ["#pragma once", ""]
    lines += [f"#define ASTRATA_SYSTEM_CALL_{c.name.upper()} {c.number}" for c in program.system_calls]
    lines += [f"#define ASTRATA_SYSTEM_CALL_COUNT {len(program.system_calls)}", ""]
    return "\n".join(lines)


def vdso_parameters(call: SystemCall) -> list[tuple[str, str]]:
    """(type, name) of each parameter of the vDSO function: arguments, then pointers to results."""
    parameters: list[tuple[str, str]] = []
    for field in call.arguments:
        name = identifier(field.name)
        match field.type.kind:
            case "in_bytes":
                parameters += [("void const*", name), ("std::uint64_t", f"{field.name}_length")]
            case "out_bytes":
                parameters += [("void*", name), ("std::uint64_t", f"{field.name}_length")]
            case "out_struct":
                parameters.append((f"abi::{field.type.name}*", name))
            case _:
                parameters.append(("std::uint64_t", name))
    parameters += [("std::uint64_t*", identifier(field.name)) for field in call.results]
    return parameters


def signature(call: SystemCall) -> str:
    return ", ".join(f"{type} {name}" for type, name in vdso_parameters(call))


def emit_vdso_table(program: Program, source: str) -> str:
    lines = head("The vDSO as user programs see it: one function pointer for each system call.", source)
    lines += ["#pragma once", "", "#include <array>", "#include <cstdint>", "#include <string_view>", "", '#include "abi/message.h"', '#include "abi/types.h"']
    lines += ["", "namespace astrata {", "", "/// Filled at start-up from the vDSO's dynamic symbols, in the order of vdso_symbol_names. Functions return 0 or an Error."]
    lines += ["struct VdsoTable {"]
    for call in plain_calls(program):
        lines.append(f"    std::uint64_t (*{call.name})({signature(call)});")
    for name, result, parameters in EXTRA_FUNCTIONS:
        lines.append(f"    {result} (*{name})({parameters});")
    names = [c.name for c in plain_calls(program)] + [name for name, _, _ in EXTRA_FUNCTIONS]
    lines += ["};", ""]
    lines += [f"inline constexpr std::array<std::string_view, {len(names)}> vdso_symbol_names{{"]
    lines += [f'    "astrata_{name}",' for name in names]
    lines += ["};", "static_assert(sizeof(VdsoTable) == vdso_symbol_names.size() * sizeof(void (*)()));", ""]
    lines += ['extern "C" VdsoTable astrata_vdso;', "", "}  // namespace astrata", ""]
    return "\n".join(lines)


def emit_vdso_calls(program: Program, source: str) -> str:
    lines = head("The vDSO's functions, included once by its source file after the machine's enter_kernel.", source)
    lines += ["// clang-format off"]
    for call in plain_calls(program):
        if "direct" in call.annotations:
            lines += ["#ifndef ASTRATA_HOSTED_IN_KERNEL   // there: direct_calls.S", *vdso_function(call), "#endif"]
        else:
            lines += vdso_function(call)
    for name, result, parameters in EXTRA_FUNCTIONS:
        lines.append(f'extern "C" {result} astrata_{name}({parameters});')
    lines += ["// clang-format on", ""]
    return "\n".join(lines)


def vdso_function(call: SystemCall) -> list[str]:
    words = []
    for type, name in vdso_parameters(call)[: argument_words(call)]:
        words.append(f"reinterpret_cast<std::uint64_t>({name})" if "*" in type else name)
    lines = [f'extern "C" std::uint64_t astrata_{call.name}({signature(call)}) {{']
    lines.append(f"    auto const entered = enter_kernel({', '.join([str(call.number), *words])});")
    for field, place in zip(call.results, ("first", "second", "third")):
        lines.append(f"    *{identifier(field.name)} = entered.{place};")
    lines += ["    return entered.status;", "}"]
    return lines


def argument_words(call: SystemCall) -> int:
    return sum(2 if f.type.kind in ("in_bytes", "out_bytes") else 1 for f in call.arguments)


def emit_system_calls(program: Program, source: str) -> str:
    lines = head("System calls: raw handles in and out, through the vDSO.", source)
    lines += ["#pragma once", "", "#include <cstdint>", "", '#include "abi/message.h"', '#include "abi/types.h"', '#include "abi/vdso_table.h"']
    lines += ['#include "lib/base/bytes.h"', '#include "lib/base/result.h"', '#include "lib/base/units.h"']
    lines += ["", "namespace astrata::sys {", ""]
    lines += [
        "namespace detail {",
        "",
        "// Statuses that only a newer Bedrock knows become not_supported.",
        "inline Error to_error(std::uint64_t status) {",
        "    return status <= last_error ? static_cast<Error>(status) : Error::not_supported;",
        "}",
        "inline Result<> to_result(std::uint64_t status) {",
        "    if (status != 0) [[unlikely]]",
        "        return fail(to_error(status));",
        "    return {};",
        "}",
        "",
        "}  // namespace detail",
        "",
    ]
    for call in plain_calls(program):
        lines += stub(call) + [""]
    lines += [
        "/// Sends `message` and waits for the reply, which replaces it. See abi/message.h.",
        "inline Result<> endpoint_call(abi::Handle endpoint, abi::Message& message, MonotonicNs deadline) {",
        "    return detail::to_result(astrata_vdso.endpoint_call(endpoint, &message, deadline.value));",
        "}",
        "",
        "/// Answers a call; the reply handle is consumed.",
        "inline Result<> endpoint_reply(abi::Handle reply, abi::Message const& message) {",
        "    return detail::to_result(astrata_vdso.endpoint_reply(reply, &message));",
        "}",
        "",
        "/// Answers `reply` (when not 0) with `message`, then waits on an endpoint or wait set; what is delivered replaces `message`.",
        "inline Result<> reply_and_wait(abi::Handle reply, abi::Message& message, abi::Handle source, MonotonicNs deadline) {",
        "    return detail::to_result(astrata_vdso.reply_and_wait(reply, &message, source, deadline.value));",
        "}",
        "",
        "/// Nanoseconds since boot, without entering Bedrock.",
        "inline MonotonicNs clock_now() {",
        "    return {astrata_vdso.clock_now()};",
        "}",
        "",
        "/// Nanoseconds since 1970-01-01T00:00Z, without entering Bedrock.",
        "inline std::uint64_t clock_wall_ns() {",
        "    return astrata_vdso.clock_wall_ns();",
        "}",
        "",
        "}  // namespace astrata::sys",
        "",
    ]
    return "\n".join(lines)


def result_fields(call: SystemCall) -> list[tuple[str, str, Field]]:
    """(C++ type, name, declaration) of everything a call gives back: `out` structs, then register results."""
    fields = [(f"abi::{f.type.name}", identifier(f.name), f) for f in call.arguments if f.type.kind == "out_struct"]
    return fields + [(data_type(f.type), identifier(f.name), f) for f in call.results]


def from_register(type: str, name: str) -> str:
    if type in ("std::uint64_t", "abi::Handle"):
        return name
    return f"MonotonicNs{{{name}}}" if type == "MonotonicNs" else f"static_cast<{type}>({name})"


def to_register(field: Field) -> str:
    name = identifier(field.name)
    match field.type.kind:
        case "named":
            return f"static_cast<std::uint64_t>({name})"
        case "scalar" if field.type.name == "MonotonicNs":
            return f"{name}.value"
        case "scalar" if field.type.name.startswith("i"):
            return f"static_cast<std::uint64_t>({name})"
    return name


def stub(call: SystemCall) -> list[str]:
    parameters, passed, locals = [], [], []
    for field in call.arguments:
        name = identifier(field.name)
        match field.type.kind:
            case "in_bytes":
                parameters.append(f"Bytes {name}")
                passed += [f"{name}.data()", f"{name}.size()"]
            case "out_bytes":
                parameters.append(f"MutableBytes {name}")
                passed += [f"{name}.data()", f"{name}.size()"]
            case "out_struct":
                locals.append(f"    abi::{field.type.name} {name};")
                passed.append(f"&{name}")
            case "named" | "scalar" | "handle":
                parameters.append(f"{data_type(field.type)} {name}")
                passed.append(to_register(field))
    for field in call.results:
        locals.append(f"    std::uint64_t {identifier(field.name)} = 0;")
        passed.append(f"&{identifier(field.name)}")
    fields = result_fields(call)
    values = {n: from_register(t, n) if f in call.results else n for t, n, f in fields}
    invoke = f"astrata_vdso.{call.name}({', '.join(passed)})"
    lines: list[str] = []
    if len(fields) > 1:
        lines += [f"struct {call.camel_name}Result {{"] + [f"    {t} {n}{{}};" for t, n, _ in fields] + ["};"]
        result = f"Result<{call.camel_name}Result>"
    else:
        result = f"Result<{fields[0][0]}>" if fields else "Result<>"
    lines += comment(call.documentation)
    if "noreturn" in call.annotations:
        lines += [f"[[noreturn]] inline void {call.name}({', '.join(parameters)}) {{", f"    (void){invoke};", "    __builtin_trap();", "}"]
        return lines
    lines += [f"inline {result} {call.name}({', '.join(parameters)}) {{"] + locals
    if not fields:
        lines += [f"    return detail::to_result({invoke});", "}"]
        return lines
    lines += [f"    if (std::uint64_t const status = {invoke}; status != 0) [[unlikely]]", "        return fail(detail::to_error(status));"]
    if len(fields) > 1:
        members = ", ".join(f".{n} = {values[n]}" for _, n, _ in fields)
        lines += [f"    return {call.camel_name}Result{{{members}}};", "}"]
    else:
        lines += [f"    return {values[fields[0][1]]};", "}"]
    return lines


