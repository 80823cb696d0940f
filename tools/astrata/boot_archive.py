"""Makes boot.archive: what Bedrock finds in memory beside itself when it starts.

    strates/NAME        program of a strate or app that has a manifest, stripped
    apps/NAME           native program without a manifest, stripped
    manifests/NAME      its compiled manifest
    bedrock.symbols     the kernel's functions, sorted, one "HEXADDRESS NAME" a line, for backtraces
    root/...            the built-in root file system
"""
from __future__ import annotations

import glob
import os
import subprocess

from astrata import built_in_root, cpio, paths
from astrata.errors import CommandError


def assemble(programs: dict[str, bytes], manifests: dict[str, bytes], symbols: bytes,
                  root: list[cpio.Entry]) -> bytes:
    """The archive from its parts; a manifest without a program is a build error, not a surprise at boot."""
    orphans = sorted(set(manifests) - set(programs))
    if orphans:
        raise CommandError(f"manifest without a program: {', '.join(orphans)}")
    entries = [cpio.directory("strates"), cpio.directory("apps"), cpio.directory("manifests")]
    for name, data in sorted(programs.items()):
        entries.append(cpio.file(f"{'strates' if name in manifests else 'apps'}/{name}", data, 0o755))
    entries += [cpio.file(f"manifests/{name}", data) for name, data in sorted(manifests.items())]
    entries.append(cpio.file("bedrock.symbols", symbols))
    return cpio.write(entries + root)


def symbol_table(nm_output: str) -> bytes:
    """Function symbols of `llvm-nm --demangle --numeric-sort` as sorted lines; one name for each address."""
    lines: dict[int, str] = {}
    for line in nm_output.splitlines():
        address, _, rest = line.partition(" ")
        kind, _, name = rest.partition(" ")
        if kind in ("t", "T", "w", "W") and name and not name.startswith((".", "$", "__cfi_")):
            lines.setdefault(int(address, 16), name)
    return "".join(f"{address:x} {name}\n" for address, name in sorted(lines.items())).encode()


def unwanted_strates(machine: str, with_tests: bool) -> set[str]:
    """Names of the strates that are not for this machine, and of those that only tests and benchmarks start."""
    import tomllib

    names = set()
    for path in glob.glob(os.path.join(paths.ROOT, "strates", "**", "strate.toml"), recursive=True):
        with open(path, "rb") as file:
            manifest = tomllib.load(file)
        is_for_tests = os.path.relpath(path, paths.ROOT).startswith("strates/test/")
        if machine not in manifest.get("machines", [machine]) or (is_for_tests and not with_tests):
            names.add(manifest["name"])
    return names


def build(target: str, folder: str, destination: str, more: list[cpio.Entry] = (), with_tests: bool = False) -> None:
    """Writes `destination` from the products of the target build, with `more` members and perhaps the test strates,
    replacing the old one in one step."""
    left_out = unwanted_strates(os.path.basename(folder), with_tests)
    programs = {}
    for kind in ("strates", "apps"):
        for name, path in _programs(os.path.join(folder, kind)):
            if name in left_out:
                continue
            if name in programs:
                raise CommandError(f"two programs are called {name}")
            programs[name] = _stripped(path)
    manifests = {}
    manifest_folder = os.path.join(folder, "generated", "manifests")
    for file_name in sorted(os.listdir(manifest_folder)) if os.path.isdir(manifest_folder) else []:
        name, extension = os.path.splitext(file_name)
        if extension == ".manifest" and name not in left_out:
            with open(os.path.join(manifest_folder, file_name), "rb") as file:
                manifests[name] = file.read()
    root = built_in_root.entries(built_in_root.busybox_path(target))
    data = assemble(programs, manifests, _kernel_symbols(folder), root + list(more))
    temporary = f"{destination}.{os.getpid()}"
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, destination)


def _programs(folder: str) -> list[tuple[str, str]]:
    """Name and path of the ELF files directly in `folder`."""
    found = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append((name, path))
    return found


def _stripped(path: str) -> bytes:
    return subprocess.run(["llvm-strip-22", "--strip-all", "-o", "-", path], stdout=subprocess.PIPE, check=True).stdout


def _kernel_symbols(folder: str) -> bytes:
    kernel = os.path.join(folder, "kernel", "bedrock.elf")
    output = subprocess.run(["llvm-nm-22", "--defined-only", "--demangle", "--numeric-sort", kernel],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    return symbol_table(output)
