"""Back end: reference pages in Markdown."""

from __future__ import annotations

from model import Enumeration, Field, Program, Type


def emit_references(program: Program) -> dict[str, str | bytes]:
    pages: dict[str, str | bytes] = {"system_calls.md": system_calls(program), "types.md": types(program)}
    for file in program.files:
        if file.interfaces:
            pages[f"{file.stem}.md"] = interfaces(program, file.stem)
    return pages


def type_text(type: Type) -> str:
    match type.kind:
        case "text" | "bytes":
            return f"{type.kind}<{type.limit}>"
        case "handle":
            return type.name + (f"[{', '.join(type.rights)}]" if type.rights else "")
        case "new":
            return f"new {type.name}"
        case "in_bytes":
            return "in bytes"
        case "out_bytes":
            return "out bytes"
        case "out_struct":
            return f"out {type.name}"
    return type.name


def parameters(fields: list[Field]) -> str:
    return ", ".join(f"{f.name}: {type_text(f.type)}" for f in fields)


def signature(call) -> str:
    marks = "".join(f"@{a} " for a in sorted(call.annotations))
    return f"{marks}{call.name}({parameters(call.arguments)}) -> ({parameters(call.results)})"


def system_calls(program: Program) -> str:
    lines = ["# System calls", "", "Generated from `abi/syscalls.abi`. Numbers are private to Bedrock and the vDSO.", ""]
    for call in program.system_calls:
        lines += [f"## {call.name}", "", f"    {signature(call)}", ""] + call.documentation + [""]
    return "\n".join(lines)


def types(program: Program) -> str:
    lines = ["# Types", "", "Generated from `abi/types.abi` and `abi/interfaces/`.", ""]
    for name, declared in sorted(program.types.items()):
        lines += [f"## {name}", ""] + declared.documentation + [""]
        if isinstance(declared, Enumeration):
            what = "bit" if declared.is_flags else "value"
            lines += [f"| {what} | name |", "|---|---|"] + [f"| {e.value} | {e.name} |" for e in declared.enumerators]
        else:
            lines += ["| offset | field | type |", "|---|---|---|"]
            lines += [f"| {f.offset} | {f.name} | {type_text(f.type)} |" for f in declared.fields]
            lines += ["", f"{declared.size} bytes."]
        lines.append("")
    return "\n".join(lines)


def interfaces(program: Program, stem: str) -> str:
    lines = [f"# {stem.replace('_', ' ').capitalize()}", "", f"Generated from `abi/interfaces/{stem}.abi`.", ""]
    for interface in next(f for f in program.files if f.stem == stem and f.interfaces).interfaces:
        lines += [f"## {interface.name}", ""] + interface.documentation + [""]
        for method in interface.methods:
            lines += [f"### {interface.name}.{method.name}", "", f"    {signature(method)}", ""] + method.documentation + [""]
    return "\n".join(lines)
