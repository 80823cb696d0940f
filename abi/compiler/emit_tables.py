"""Back ends: tables about system calls. JSON for tools, a probe table that a test strate walks, names for traces."""

from __future__ import annotations

import json

from cpp import head, identifier, rights_expression
from emit_system_calls import EXTRA_FUNCTIONS, plain_calls, vdso_parameters
from model import Field, Program, SystemCall


def argument_kind(program: Program, field: Field) -> str:
    type = field.type
    if type.kind == "named":
        declaration = program.types[type.name]
        return "flags" if getattr(declaration, "is_flags", False) else "enum"
    return {"scalar": type.name.lower() if type.name != "MonotonicNs" else "deadline"}.get(type.kind, type.kind)


def emit_json(program: Program) -> str:
    calls = []
    for call in program.system_calls:
        arguments = []
        for field in call.arguments:
            entry: dict[str, object] = {"name": field.name, "kind": argument_kind(program, field)}
            if field.type.name:
                entry["type"] = field.type.name
            if field.type.kind == "handle":
                entry["rights"] = field.type.rights
            arguments.append(entry)
        results = [{"name": f.name, "kind": argument_kind(program, f), "type": f.type.name} for f in call.results]
        calls.append(
            {
                "number": call.number,
                "name": call.name,
                "annotations": sorted(call.annotations),
                "arguments": arguments,
                "results": results,
                "documentation": " ".join(call.documentation),
            }
        )
    return json.dumps({"system_calls": calls}, indent=1) + "\n"


def emit_trace(program: Program, source: str) -> str:
    lines = head("Names of system calls and their arguments, for traces. Kinds: u number, h handle, p pointer, l length, e enum, f flags, t time.", source)
    lines += ["#pragma once", "", "#include <array>", "#include <string_view>", "", "namespace astrata::abi {", ""]
    lines += ["/// One row for each number; `kinds` has a letter for each argument register, `arguments` their names separated by spaces."]
    lines += ["struct SystemCallTrace {", "    std::string_view name;", "    std::string_view kinds;", "    std::string_view arguments;", "};", ""]
    lines.append(f"inline constexpr std::array<SystemCallTrace, {len(program.system_calls)}> system_call_traces{{{{")
    for call in program.system_calls:
        kinds, names = "", []
        for field in call.arguments:
            match field.type.kind:
                case "in_bytes" | "out_bytes":
                    kinds += "pl"
                    names += [field.name, "length"]
                    continue
                case "out_struct":
                    kinds += "p"
                case "handle":
                    kinds += "h"
                case "named":
                    kinds += "f" if argument_kind(program, field) == "flags" else "e"
                case _:
                    kinds += "t" if field.type.name == "MonotonicNs" else "u"
            names.append(field.name)
        lines.append(f'    {{"{call.name}", "{kinds}", "{" ".join(names)}"}},')
    lines += ["}};", "", "}  // namespace astrata::abi", ""]
    return "\n".join(lines)


def emit_probe(program: Program, source: str) -> str:
    lines = head("Every system call through one signature, with what each argument register means, for a test that tries bad values.", source)
    lines += [
        "// Results are thrown away.",
        "#pragma once",
        "",
        "#include <array>",
        "#include <cstdint>",
        "#include <string_view>",
        "",
        '#include "abi/types.h"',
        '#include "abi/vdso_table.h"',
        "",
        "// clang-format off",
        "namespace astrata::probe {",
        "",
        "enum class ArgumentKind : std::uint8_t { none, number, number32, handle, in_pointer, out_pointer, length, enumeration, flags, deadline };",
        "",
        "struct Argument {",
        "    ArgumentKind kind = ArgumentKind::none;",
        "    std::uint32_t object = 0;               // ObjectKind of a handle; 0: any",
        "    abi::Rights rights = abi::Rights::none; // that the handle needs",
        "    std::uint32_t struct_size = 0;          // of the struct that an out_pointer names",
        "};",
        "",
        "struct SystemCall {",
        "    std::string_view name;",
        "    std::uint64_t (*call)(std::array<std::uint64_t, 6> const& raw);",
        "    std::array<Argument, 6> arguments;",
        "    bool is_blocking;",
        "    bool is_ending;   // ends the caller",
        "};",
        "",
    ]
    for call in plain_calls(program):
        lines += probe_function(call)
    lines.append(f"inline constexpr std::array<SystemCall, {len(plain_calls(program))}> system_calls{{{{")
    for call in plain_calls(program):
        arguments = ", ".join(a for f in call.arguments for a in probe_arguments(program, f))
        blocking = "true" if "blocking" in call.annotations else "false"
        ending = "true" if "noreturn" in call.annotations else "false"
        lines.append(f'    {{"{call.name}", call_{call.name}, {{{{{arguments}}}}}, {blocking}, {ending}}},')
    lines += ["}};", "", "}  // namespace astrata::probe", "// clang-format on", ""]
    return "\n".join(lines)


def probe_arguments(program: Program, field: Field) -> list[str]:
    match field.type.kind:
        case "in_bytes":
            return ["{.kind = ArgumentKind::in_pointer}", "{.kind = ArgumentKind::length}"]
        case "out_bytes":
            return ["{.kind = ArgumentKind::out_pointer}", "{.kind = ArgumentKind::length}"]
        case "out_struct":
            return [f"{{.kind = ArgumentKind::out_pointer, .struct_size = sizeof(abi::{field.type.name})}}"]
        case "handle":
            kinds = program.types["ObjectKind"]
            number = {k: e.value for k, e in zip(program.object_kinds(), kinds.enumerators)}.get(field.type.name, 0)
            return [f"{{.kind = ArgumentKind::handle, .object = {number}, .rights = {rights_expression(field)}}}"]
        case "named":
            kind = "flags" if argument_kind(program, field) == "flags" else "enumeration"
            return [f"{{.kind = ArgumentKind::{kind}}}"]
    kind = {"MonotonicNs": "deadline", "u32": "number32"}.get(field.type.name, "number")
    return [f"{{.kind = ArgumentKind::{kind}}}"]


def probe_function(call: SystemCall) -> list[str]:
    parameters = vdso_parameters(call)
    words = []
    count = len(parameters) - len(call.results)
    for index, (type, _) in enumerate(parameters[:count]):
        words.append(f"reinterpret_cast<{type}>(raw[{index}])" if "*" in type else f"raw[{index}]")
    locals = [f"    std::uint64_t {identifier(f.name)} = 0;" for f in call.results]
    words += [f"&{identifier(f.name)}" for f in call.results]
    return [
        f"inline std::uint64_t call_{call.name}([[maybe_unused]] std::array<std::uint64_t, 6> const& raw) {{",
        *locals,
        f"    return astrata_vdso.{call.name}({', '.join(words)});",
        "}",
    ]


def emit_unsupported(program: Program, source: str) -> str:
    lines = head("A table whose every call fails with not_supported (17): the ground on which host tests put fakes.", source)
    lines += ["#pragma once", "", '#include "abi/vdso_table.h"', "", "namespace astrata {", "", "// clang-format off"]
    lines += ["inline constexpr VdsoTable unsupported_vdso_table{"]
    for call in plain_calls(program):
        types = ", ".join(type for type, _ in vdso_parameters(call))
        lines.append(f"    .{call.name} = []({types}) -> std::uint64_t {{ return 17; }},")
    for name, result, parameters in EXTRA_FUNCTIONS:
        types = ", ".join(p.rsplit(" ", 1)[0] for p in parameters.split(", ") if p)
        lines.append(f"    .{name} = []({types}) -> {result} {{ return {0 if name.startswith('clock') else 17}; }},")
    lines += ["};", "// clang-format on", "", "}  // namespace astrata", ""]
    return "\n".join(lines)
