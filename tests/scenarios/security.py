"""Protections that hold before anything goes wrong: where things lie, what may be written, what is left of others' data."""
import os
import re
import socket
import time

from harness import chevron, compile_static, expect, run, scenario, write_file

IMAGE_REGION = 0xffffffff80000000


def watch_processors() -> None:
    """From now on every machine has a monitor at the socket `monitor` in the scenario's folder."""
    real = os.environ.get("ASTRATA_QEMU") or "/usr/bin/qemu-system-x86_64"
    path = os.path.abspath("monitor")
    os.environ["ASTRATA_QEMU"] = os.path.abspath(
        write_file("watched-qemu", f'#!/bin/sh\nexec "{real}" "$@" -monitor unix:{path},server=on,wait=off\n', 0o755))


def ask_monitor(command: str) -> str:
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(10)
        monitor.connect("monitor")

        def answer() -> str:
            text = b""
            while not text.endswith(b"(qemu) "):
                text += monitor.recv(1 << 16)
            return text.decode()

        answer()
        monitor.sendall(command.encode() + b"\n")
        return answer()


def table_bases() -> tuple[int, int]:
    """Where the first processor's interrupt table (in the image) and segment table (in the direct map) lie."""
    registers = ask_monitor("info registers")
    return tuple(int(re.search(rf"^{name}= +([0-9a-f]+) ", registers, re.MULTILINE).group(1), 16) for name in ("IDT", "GDT"))


@scenario("security.kernel_lies_elsewhere_at_every_boot", timeout=240)
def kernel_lies_elsewhere_at_every_boot():
    watch_processors()
    seen = []
    for options in (("--smp", "1"), ("--smp", "2"), ("--machine", "q35", "--smp", "2"), ("--machine", "q35")):
        with chevron(*options) as console:
            seen.append(table_bases())
            # No log names an address of the kernel, though programs crash and strates restart.
            console.command("strate start crasher")
            time.sleep(0.5)
            shown = "".join(console.command(line) for line in ("silo logs kernel", "strate logs crasher", "dmesg", "strate logs silo-manager"))
            found = re.findall(r"\b(?:0x)?ffff[89a-f][0-9a-f]{11}\b", shown)
            expect(not found, f"{found}\n{shown}")
    for name, bases in zip(("image", "direct map"), zip(*seen)):
        expect(len(set(bases)) >= 3, f"{name}: {[hex(base) for base in bases]}")
    expect(all(image >= IMAGE_REGION for image, _ in seen), str(seen))
    os.environ["ASTRATA_BOOT_WORDS"] = "nokaslr"
    fixed = []
    for _ in range(2):
        with chevron() as console:
            fixed.append(table_bases())
    expect(fixed[0][0] == fixed[1][0] and fixed[0][0] - IMAGE_REGION < 16 << 20, str(fixed))
