"""Generates the personality's system-call table from linux.calls.

    generate.py --source strates/linux/linux.calls --output <build>/generated/linux_calls

  table.h       numbers, one prototype for each handler, the row type
  table.inc     the rows: handler thunks, names and argument kinds, for syscalls/table.cc
  coverage.md   which calls work, which fail how, and why
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

# Argument type -> (C++ type, conversion from the register, kind for the trace decoder)
SCALARS = {
    "fd": ("std::int32_t", "static_cast<std::int32_t>({})", "fd"),
    "i32": ("std::int32_t", "static_cast<std::int32_t>({})", "signed_word"),
    "pid": ("std::int32_t", "static_cast<std::int32_t>({})", "signed_word"),
    "signal": ("std::int32_t", "static_cast<std::int32_t>({})", "signal"),
    "u32": ("std::uint32_t", "static_cast<std::uint32_t>({})", "word"),
    "mode": ("std::uint32_t", "static_cast<std::uint32_t>({})", "octal"),
    "i64": ("std::int64_t", "static_cast<std::int64_t>({})", "signed_long"),
    "u64": ("std::uint64_t", "{}", "unsigned_long"),
    "size": ("std::uint64_t", "{}", "unsigned_long"),
    "flags": ("std::uint64_t", "{}", "flags"),
    "address": ("GuestAddress", "GuestAddress{{{}}}", "address"),
    "path": ("GuestAddress", "GuestAddress{{{}}}", "string"),
}
POINTER = ("GuestAddress", "GuestAddress{{{}}}", "address")
RESULTS = {"size", "fd", "pid", "zero", "i64", "address"}
REGISTERS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"]
LINE = re.compile(
    r'^(?P<number>\d+) (?P<name>\w+)\((?P<arguments>[^)]*)\) '
    r'(?:-> (?P<result>\w+)|= (?P<error>E[A-Z]+)(?: "(?P<why>[^"]*)")?)$')


class CallsError(Exception):
    pass


@dataclass
class Call:
    number: int
    name: str
    arguments: list[tuple[str, str]] = field(default_factory=list)
    result: str | None = None
    error: str | None = None
    why: str = ""


def argument_type(kind: str, where: str) -> tuple[str, str, str]:
    if kind in SCALARS:
        return SCALARS[kind]
    direction, _, what = kind.partition(" ")
    if direction in ("in", "out", "inout") and re.fullmatch(r"\w+", what):
        if what == "bytes":
            return (POINTER[0], POINTER[1], "bytes_in" if direction == "in" else "bytes_out")
        return POINTER
    raise CallsError(f"{where}: unknown argument type '{kind}'")


def parse(path: Path) -> list[Call]:
    calls: list[Call] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f"{path}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line)
        if match is None:
            raise CallsError(f"{where}: not a declaration: {line}")
        call = Call(int(match["number"]), match["name"], result=match["result"], error=match["error"], why=match["why"] or "")
        for argument in filter(None, (part.strip() for part in match["arguments"].split(","))):
            name, _, kind = argument.partition(": ")
            if not re.fullmatch(r"[a-z]\w*", name):
                raise CallsError(f"{where}: bad argument '{argument}'")
            argument_type(kind, where)
            call.arguments.append((name, kind))
        if len(call.arguments) > len(REGISTERS):
            raise CallsError(f"{where}: more than six arguments")
        if call.result is not None and call.result not in RESULTS:
            raise CallsError(f"{where}: unknown result '{call.result}'")
        if calls and call.number <= calls[-1].number:
            raise CallsError(f"{where}: numbers must ascend")
        if any(other.name == call.name for other in calls):
            raise CallsError(f"{where}: {call.name} is declared twice")
        calls.append(call)
    return calls


def emit_header(calls: list[Call]) -> str:
    lines = [
        "// Linux system calls: numbers and handlers. Generated from strates/linux/linux.calls. Do not edit.",
        "#pragma once", "",
        "#include <cstdint>", "",
        '#include "strates/linux/core/errno.h"',
        '#include "strates/linux/core/guest_memory.h"', "",
        "namespace astrata::linux_abi {", "",
        "class Task;", "",
        "namespace call_number {",
    ]
    lines += [f"inline constexpr std::uint32_t {call.name} = {call.number};" for call in calls]
    lines += ["}  // namespace call_number", "",
              f"inline constexpr std::size_t call_table_size = {calls[-1].number + 1};", "",
              "// Handlers. `task` is the calling task."]
    for call in calls:
        if call.result is None:
            continue
        arguments = ["Task& task"] + [f"{argument_type(kind, call.name)[0]} {name}" for name, kind in call.arguments]
        lines.append(f"LinuxResult<std::uint64_t> sys_{call.name}({', '.join(arguments)});")
    lines += ["", "}  // namespace astrata::linux_abi", ""]
    return "\n".join(lines)


def emit_table(calls: list[Call]) -> str:
    lines = ["// Rows of the system-call table. Generated from strates/linux/linux.calls. Do not edit.", ""]
    for call in calls:
        if call.result is None:
            continue
        arguments = ["task"] + [
            argument_type(kind, call.name)[1].format(f"state.{register}")
            for (_, kind), register in zip(call.arguments, REGISTERS)]
        unused = "" if call.arguments else "[[maybe_unused]] "
        lines += [
            f"static std::int64_t call_{call.name}(Task& task, {unused}abi::RestrictedStateX86 const& state) {{",
            f"    return finish(sys_{call.name}({', '.join(arguments)}));",
            "}"]
    lines += ["", "static constexpr std::array<CallRow, call_table_size> rows = [] {",
              "    std::array<CallRow, call_table_size> table{};"]
    for call in calls:
        kinds = ", ".join(f"ArgumentKind::{argument_type(kind, call.name)[2]}" for _, kind in call.arguments)
        if call.result is not None:
            handler, error = "true", "Errno::enosys"
        else:
            handler, error = "false", f"Errno::{call.error.lower()}"
        result = call.result or "zero"
        lines.append(f'    table[{call.number}] = {{{handler}, "{call.name}", {error}, {len(call.arguments)}, '
                     f"ResultKind::{'integer' if result == 'i64' else result}, {{{kinds}}}}};")
    lines += ["    return table;", "}();", "",
              "CallHandlers const call_handlers = [] {",
              "    CallHandlers table{};",
              "    table.fill(refuse_call);"]
    lines += [f"    table[{call.number}] = call_{call.name};" for call in calls if call.result is not None]
    lines += ["    return table;", "}();", ""]
    return "\n".join(lines)


def emit_coverage(calls: list[Call]) -> str:
    working = [call for call in calls if call.result is not None]
    lines = ["# Linux system calls (x86_64)", "",
             f"{len(working)} of {len(calls)} declared calls work. Generated from `strates/linux/linux.calls`.", "",
             "| number | call | state |", "|--:|---|---|"]
    for call in calls:
        state = "works" if call.result is not None else f"fails with {call.error}" + (f": {call.why}" if call.why else "")
        lines.append(f"| {call.number} | {call.name}({', '.join(name for name, _ in call.arguments)}) | {state} |")
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """Leaves a file alone whose contents stay the same, so that nothing is compiled again for it."""
    if path.is_file() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        calls = parse(arguments.source)
    except (CallsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    write(arguments.output / "table.h", emit_header(calls))
    write(arguments.output / "table.inc", emit_table(calls))
    write(arguments.output / "coverage.md", emit_coverage(calls))
    return 0


if __name__ == "__main__":
    sys.exit(main())
