"""The interface compiler's command. See README.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from checker import check
from emit_interface import emit_interface
from emit_kernel import emit_kernel_calls, emit_kernel_dispatch
from emit_reference import emit_references
from emit_system_calls import emit_numbers, emit_system_calls, emit_vdso_calls, emit_vdso_table
from emit_tables import emit_json, emit_probe, emit_trace, emit_unsupported
from emit_trace_events import emit_trace_events, emit_trace_json
from emit_types import emit_types
from lexer import AbiError
from manifest import ManifestError, check_manifests, read_manifests
from emit_manifest import emit_environment, encode_manifest
from model import Program
from parser import parse_file

Output = dict[str, str | bytes]


def load(source: Path) -> Program:
    paths = [source / "abi/types.abi", source / "abi/syscalls.abi", source / "abi/trace_events.abi"]
    paths += sorted((source / "abi/interfaces").glob("*.abi"))
    return check([parse_file(path, path.relative_to(source)) for path in paths])


def generate_abi(program: Program) -> Output:
    """Everything that follows from the .abi files, by path below the output folder. These files are goldens."""
    syscalls = "abi/syscalls.abi"
    output: Output = {
        "abi/system_call_numbers.h": emit_numbers(program, syscalls),
        "abi/system_calls.h": emit_system_calls(program, syscalls),
        "abi/vdso_table.h": emit_vdso_table(program, syscalls),
        "abi/vdso_calls.inc": emit_vdso_calls(program, syscalls),
        "abi/kernel_calls.h": emit_kernel_calls(program, syscalls),
        "abi/kernel_dispatch.inc": emit_kernel_dispatch(program, syscalls),
        "abi/system_calls.json": emit_json(program),
        "abi/system_call_traces.h": emit_trace(program, syscalls),
        "abi/trace_events.h": emit_trace_events(program, "abi/trace_events.abi"),
        "abi/trace_events.json": emit_trace_json(program),
        "abi/vdso_unsupported.h": emit_unsupported(program, syscalls),
        "abi/syscall_probe.inc": emit_probe(program, syscalls),
    }
    for file in program.files:
        if file.stem == "types":
            output["abi/types.h"] = emit_types(program, file, "abi/types.abi")
        elif file.interfaces:
            source = f"abi/interfaces/{file.stem}.abi"
            output[f"abi/{file.stem}_types.h"] = emit_types(program, file, source)
            output[f"abi/{file.stem}.h"] = emit_interface(program, file, source)
    return output


def generate_manifests(program: Program, source: Path) -> Output:
    manifests = read_manifests(source)
    check_manifests(program, manifests)
    output: Output = {}
    for manifest in manifests:
        output[f"{manifest.name}/environment.h"] = emit_environment(manifest)
        output[f"manifests/{manifest.name}.manifest"] = encode_manifest(manifest)
    return output


def write(folder: Path, output: Output) -> None:
    """Leaves files alone whose contents stay the same, so that nothing is compiled again for them."""
    for name, contents in output.items():
        path = folder / name
        data = contents.encode() if isinstance(contents, str) else contents
        if path.is_file() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def differing(folder: Path, output: Output) -> list[str]:
    found = []
    for name, contents in sorted(output.items()):
        path = folder / Path(name).name
        data = contents.encode() if isinstance(contents, str) else contents
        if not path.is_file() or path.read_bytes() != data:
            found.append(path.name)
    expected = {Path(name).name for name in output}
    found += sorted(path.name for path in folder.iterdir() if path.name not in expected | {"README.md"})
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description="Generates code from abi/ and strate.toml files.")
    arguments.add_argument("--source", type=Path, required=True, help="root of the source tree")
    arguments.add_argument("--output", type=Path, help="folder to generate into")
    arguments.add_argument("--reference", type=Path, help="folder to write reference pages into")
    arguments.add_argument("--check", action="store_true", help="compare with abi/golden/")
    arguments.add_argument("--update-goldens", action="store_true", help="accept the present output as abi/golden/")
    options = arguments.parse_args()
    source: Path = options.source.resolve()
    golden = source / "abi/golden"
    try:
        program = load(source)
        abi = generate_abi(program)
        if options.output:
            write(options.output, abi)
            write(options.output, generate_manifests(program, source))
        if options.reference:
            write(options.reference, emit_references(program))
    except (AbiError, ManifestError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.update_goldens:
        write(golden, {Path(name).name: contents for name, contents in abi.items()})
        for stale in differing(golden, abi):
            (golden / stale).unlink()
    if options.check:
        changed = differing(golden, abi)
        for name in changed:
            print(f"abi/golden/{name}: differs from what abi/ generates", file=sys.stderr)
        if changed:
            print("Review the change, then accept it: python3 abi/compiler/main.py --source . --update-goldens", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
