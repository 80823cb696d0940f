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


@scenario("security.strates_lie_elsewhere_at_every_start")
def strates_lie_elsewhere_at_every_start():
    """The same instruction of a strate crashes at another address each time, and at the same place of its image."""
    with chevron() as console:
        console.command("strate start crasher")
        for _ in range(200):
            log = console.command("strate logs crasher")
            found = re.findall(r"instruction 0x([0-9a-f]+) \(image \+ 0x([0-9a-f]+)\)", log.replace("\n", ""))
            if len(found) >= 3:
                break
            time.sleep(0.05)
    expect(len({address for address, _ in found}) == len(found) >= 3 and len({offset for _, offset in found}) == 1, log)
    offset = int(found[0][1], 16)
    expect(offset < 1 << 20 and all((int(address, 16) - offset) % 4096 == 0 for address, _ in found), log)


PLACES = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>
static unsigned long first[4], varied[4];
static const char* names[4] = {"image", "stack", "mmap", "brk"};
static void sample(char** argv) {
    int ends[2]; pipe(ends);
    if (!fork()) { dup2(ends[1], 1); execl(argv[0], argv[0], "places", (char*)0); _exit(1); }
    close(ends[1]);
    FILE* in = fdopen(ends[0], "r");
    unsigned long at[4];
    if (fscanf(in, "%lx %lx %lx %lx", at, at + 1, at + 2, at + 3) != 4) exit(1);
    fclose(in); wait(0);
    for (int i = 0; i < 4; ++i) { if (!first[i]) first[i] = at[i]; varied[i] |= first[i] ^ at[i]; }
}
int main(int argc, char** argv) {
    int here;
    if (argc > 1) {
        printf("%lx %lx %lx %lx\n", (unsigned long)main, (unsigned long)&here,
               (unsigned long)mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), (unsigned long)sbrk(0));
        return 0;
    }
    for (int i = 0; i < 48; ++i) sample(argv);
    for (int i = 0; i < 4; ++i) printf("%s:%d ", names[i], __builtin_popcountl(varied[i] >> 12));
    memset(first, 0, sizeof first); memset(varied, 0, sizeof varied);
    personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE);
    for (int i = 0; i < 4; ++i) sample(argv);
    for (int i = 0; i < 4; ++i) printf("fixed-%s:%lx ", names[i], varied[i]);
    puts("");
}
"""


@scenario("security.linux_programs_lie_anywhere")
def linux_programs_lie_anywhere():
    """Bits of the page number that differ from start to start: as many as with Linux. None under ADDR_NO_RANDOMIZE."""
    compile_static("tree/bin/places", PLACES, pie=True)
    for processors in ("1", "2"):
        result = run("/bin/places", options=["--rootfs", "tree", "--smp", processors]).check()
        seen = dict(pair.split(":") for pair in result.text.split())
        for name, bits in {"image": 28, "mmap": 28, "stack": 22, "brk": 13}.items():
            # An image moves the heap behind it along, and a stack what is mapped below it.
            expect(int(seen[name]) >= bits, f"{name} has {seen[name]} bits, not {bits}: {result.text}")
            expect(seen[f"fixed-{name}"] == "0", f"{name} moves without randomness: {result.text}")
