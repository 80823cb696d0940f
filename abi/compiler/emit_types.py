"""Back end: enums, flags and structs as C++ types with checked layout, names for logs and validity checks."""

from __future__ import annotations

from cpp import comment, data_type, head, identifier, is_enumeration, is_struct
from model import Enumeration, File, Program, Struct


def emit_types(program: Program, file: File, source: str) -> str:
    lines = head("Types shared between Bedrock, strates and tools.", source)
    lines += ["#pragma once", "", "#include <cstdint>", "#include <string_view>", "", '#include "abi/message.h"', '#include "abi/text.h"']
    if file.stem != "types":
        lines += ['#include "abi/types.h"']
    lines += ["", "namespace astrata::abi {", ""]
    for declaration in file.types:
        if isinstance(declaration, Enumeration):
            lines += flags(declaration) if declaration.is_flags else enumeration(declaration)
        else:
            lines += struct(program, declaration)
        lines.append("")
    lines += ["}  // namespace astrata::abi", ""]
    return "\n".join(lines)


def enumeration(declared: Enumeration) -> list[str]:
    name = declared.name
    lines = comment(declared.documentation) + [f"enum class {name} : std::uint32_t {{"]
    lines += [f"    {identifier(e.name)} = {e.value}," for e in declared.enumerators]
    lines += ["};", "/// False for values that no enumerator has, which only come from outside."]
    lines += [f"constexpr bool is_valid({name} value) {{", "    switch (value) {"]
    lines += [f"    case {name}::{identifier(e.name)}:" for e in declared.enumerators]
    lines += ["        return true;", "    }", "    return false;", "}"]
    lines += [f"constexpr std::string_view name_of({name} value) {{", "    switch (value) {"]
    lines += [f'    case {name}::{identifier(e.name)}: return "{e.name}";' for e in declared.enumerators]
    lines += ["    }", '    return "unknown";', "}"]
    return lines


def flags(declared: Enumeration) -> list[str]:
    name = declared.name
    lines = comment(declared.documentation) + [f"enum class {name} : std::uint32_t {{"]
    if all(e.name != "none" for e in declared.enumerators):
        lines += ["    none = 0,"]
    lines += [f"    {identifier(e.name)} = 1u << {e.value}," for e in declared.enumerators]
    mask = 0
    for e in declared.enumerators:
        mask |= 1 << e.value
    lines += ["};"]
    lines += [
        f"constexpr {name} operator|({name} left, {name} right) {{",
        f"    return static_cast<{name}>(static_cast<std::uint32_t>(left) | static_cast<std::uint32_t>(right));",
        "}",
        f"constexpr {name} operator&({name} left, {name} right) {{",
        f"    return static_cast<{name}>(static_cast<std::uint32_t>(left) & static_cast<std::uint32_t>(right));",
        "}",
        f"constexpr {name} operator~({name} value) {{",
        f"    return static_cast<{name}>(~static_cast<std::uint32_t>(value) & {mask:#x}u);",
        "}",
        f"constexpr {name}& operator|=({name}& left, {name} right) {{ return left = left | right; }}",
        f"constexpr {name}& operator&=({name}& left, {name} right) {{ return left = left & right; }}",
        "/// True when `set` has all of `bits`.",
        f"constexpr bool has({name} set, {name} bits) {{ return (set & bits) == bits; }}",
        "/// False when undeclared bits are set.",
        f"constexpr bool is_valid({name} value) {{ return (static_cast<std::uint32_t>(value) & ~{mask:#x}u) == 0; }}",
    ]
    return lines


def struct(program: Program, declared: Struct) -> list[str]:
    lines = comment(declared.documentation) + [f"struct {declared.name} {{"]
    for field in declared.fields:
        type = data_type(field.type).removeprefix("abi::")
        lines.append(f"    {type} {identifier(field.name)}{{}};")
    lines += ["};", f"static_assert(sizeof({declared.name}) == {declared.size} && alignof({declared.name}) == {declared.alignment});"]
    checks = [
        f"is_valid(value.{identifier(f.name)})"
        for f in declared.fields
        if is_enumeration(program, f.type) or is_struct(program, f.type)
    ]
    used = "value" if checks else ""
    lines += ["/// Every enum and flags member has a declared value."]
    lines += [f"constexpr bool is_valid({declared.name} const& {used}) {{ return {' && '.join(checks) or 'true'}; }}"]
    return lines


