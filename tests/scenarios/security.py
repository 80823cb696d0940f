"""Protections that hold before anything goes wrong: where things lie, what may be written, what is left of others' data."""
import os
import re
import socket
import subprocess
import time

from harness import ARCHITECTURE, ASTRATA, EMULATOR, FULL_MACHINE, MACHINES, ROOT, chevron, compile_static, expect, run, scenario, shorten, write_file

# A processor without a random number generator.
WITHOUT_RANDOM = {"x86_64": "max,-rdrand,-rdseed", "aarch64": "cortex-a57", "riscv64": "rv64"}[ARCHITECTURE]
IMAGE_REGION = 0xffffffff80000000


def watch_processors() -> None:
    """From now on every machine has a monitor at the socket `monitor` in the scenario's folder."""
    path = os.path.abspath("monitor")
    os.environ["ASTRATA_QEMU"] = os.path.abspath(
        write_file("watched-qemu", f'#!/bin/sh\nexec "{EMULATOR}" "$@" -monitor unix:{path},server=on,wait=off\n', 0o755))


def ask_monitor(command: str) -> str:
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(10)
        monitor.connect("monitor")

        def answer(prompts: int) -> str:
            text = b""
            while text.count(b"(qemu) ") < prompts:
                text += monitor.recv(1 << 16)
            return text.decode()

        answer(1)
        monitor.sendall(command.encode() + b"\n")
        return answer(command.count("\n") + 1)


def table_bases() -> tuple[int, int]:
    """Where the first processor's interrupt table (in the image) and segment table (in the direct map) lie."""
    registers = ask_monitor("info registers")
    return tuple(int(re.search(rf"^{name}= +([0-9a-f]+) ", registers, re.MULTILINE).group(1), 16) for name in ("IDT", "GDT"))


@scenario("security.kernel_lies_elsewhere_at_every_boot", timeout=240, only=("x86_64",))
def kernel_lies_elsewhere_at_every_boot():
    watch_processors()
    seen = []
    for options in (("--smp", "1"), ("--smp", "2"), (*FULL_MACHINE, "--smp", "2"), FULL_MACHINE):
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
    program = compile_static("tree/bin/places", PLACES, pie=True)
    with open(program, "rb") as file:
        movable = file.read(18)[16] == 3  # ET_DYN: not every cross compiler can make one that is static
    for processors in ("1", "2"):
        result = run("/bin/places", options=["--rootfs", "tree", "--smp", processors]).check()
        seen = dict(pair.split(":") for pair in result.text.split())
        for name, bits in {"image": 28, "mmap": 28, "stack": 22, "brk": 13}.items():
            # An image moves the heap behind it along, and a stack what is mapped below it.
            if name != "image" or movable:
                expect(int(seen[name]) >= bits, f"{name} has {seen[name]} bits, not {bits}: {result.text}")
            expect(seen[f"fixed-{name}"] == "0", f"{name} moves without randomness: {result.text}")


@scenario("security.overwritten_stack_of_a_strate")
def overwritten_stack_of_a_strate():
    with chevron() as console:
        console.command("strate start smasher")
        for _ in range(200):
            log = console.command("strate logs smasher")
            if "restart 2" in log:
                break
            time.sleep(0.05)
        expect("failed check: the stack was overwritten" in log and "restart 2" in log and "nobody noticed" not in log, log)
        told = console.command("dmesg")
        expect("smasher ended with code 134" in told, told)


@scenario("security.overwritten_stack_of_the_kernel")
def overwritten_stack_of_the_kernel():
    """gdb changes the canary while a system call is under way: the next function that returns stops the kernel, and says where."""
    words = [ASTRATA, "debug", "--batch"]
    for line in ("hbreak astrata::kernel::Log::append_line", "continue", "set var *(unsigned long*)&__stack_chk_guard = 1", "delete",
                 "hbreak astrata::kernel::arch::stop_other_cpus", "continue", "backtrace"):
        words += ["--gdb", line]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    expect(b"__stack_chk_fail" in done.stdout, shorten(done.stdout))
    with open(os.path.join(ROOT, "build", "debug-console.log"), encoding="utf-8", errors="replace") as file:
        console = file.read()
    expect(re.search(r"PANIC on CPU 0: the stack was overwritten\n.*backtrace:\n(.*\n)*.* __stack_chk_fail\+", console), console[-2000:])


REMAINS = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static unsigned long const secret = 0x5ec2e75ec2e75ec2UL;
static unsigned long look(unsigned long* words, size_t bytes) {
    unsigned long found = 0;
    for (size_t i = 0; i < bytes / 8; ++i) {
        if (i % 512 == 0) ((volatile char*)words)[i * 8 + 7] = 0;   // a page of our own, not the shared one of zeros
        found += words[i] != 0;
    }
    return found;
}
int main(int argc, char** argv) {
    size_t bytes = (size_t)atol(argv[2]) << 20;
    unsigned long* words = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED) return 2;
    if (!strcmp(argv[1], "fill")) {
        for (size_t i = 0; i < bytes / 8; ++i) words[i] = secret;
        puts("filled");
        return 0;
    }
    unsigned long found = look(words, bytes);
    munmap(words, bytes);
    size_t part = bytes / 4;
    found += look(mmap(0, part, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), part);
    found += look(sbrk((long)part), part);
    int file = open("/tmp/remains", O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, (long)part)) return 3;
    static unsigned long block[8192];
    for (size_t at = 0; at < part; at += sizeof block) {
        if (pread(file, block, sizeof block, (long)at) != sizeof block) return 4;
        for (size_t i = 0; i < 8192; ++i) found += block[i] != 0;
    }
    printf("%lu words of others\n", found);
    return 0;
}
"""


@scenario("security.freed_memory_is_forgotten", timeout=240)
def freed_memory_is_forgotten():
    """A program fills most of the memory; neither the next program nor one in another silo finds any of it."""
    compile_static("tree/bin/remains", REMAINS)
    for processors in ("1", "2"):
        with chevron("--rootfs", "tree", "--memory", "128M", "--smp", processors) as console:
            for between in ("true", "strate restart linux"):
                shown = console.command("/bin/remains fill 72", 60)
                expect("filled" in shown, shown)
                console.command(between)
                for _ in range(20):
                    shown = console.command("/bin/remains look 72", 60)
                    if "words of others" in shown:
                        break
                    time.sleep(0.2)  # the new personality starts
                expect(re.search(r"^0 words of others", shown, re.MULTILINE), shown)


@scenario("security.page_tables_keep_the_rules")
def page_tables_keep_the_rules():
    for options in (("--smp", "1"), ("--smp", "2", *FULL_MACHINE, "--profile", "secure"), ("--isolation", "kernel", "--profile", "performance")):
        with chevron(*options) as console:
            console.send("/bin/sleep 20 &\r")
            console.expect(r"^>>> ")
            for _ in range(50):  # until the program runs
                shown = console.command("mem audit")
                counts = {name.strip(): int(count) for name, count in re.findall(r"^(\S.*\S) +(\d+)$", shown, re.MULTILINE)}
                if counts["foreign"] > 5:
                    break
                time.sleep(0.1)
            expect(counts["address spaces"] >= 6 and counts["native: code"] > 10 and counts["kernel: code"] >= 1 and counts["foreign"] > 5, shown)
            for rule in ("writable and executable", "kernel half open to user mode", "kernel memory open to writes",
                         "executable outside the image", "kernel code writable elsewhere"):
                expect(counts[rule] == 0, shown)
            expect(console.command("echo $?").startswith("0"), "mem audit did not succeed")
            log = console.command("dmesg")
            profile = options[options.index("--profile") + 1] if "--profile" in options else "balanced"
            expect(f"security profile {profile}" in log, log)
            expect(("memory audit: " in log) == (profile == "secure"), log)
            expect("memory audit" not in log or " 0 violations" in log, log)


@scenario("security.processors_guard_the_kernel", only=("x86_64",))
def processors_guard_the_kernel():
    """Each of them refuses to run or touch user memory in kernel mode (SMEP, SMAP), and to tell where its tables lie (UMIP)."""
    watch_processors()
    with chevron("--smp", "2", "--profile", "performance"):
        shown = ask_monitor("info registers -a")
        controls = [int(value, 16) for value in re.findall(r"CR4=(\w+)", shown)]
        expect(len(controls) == 2 and all(control & (1 << 11 | 1 << 20 | 1 << 21) == 1 << 11 | 1 << 20 | 1 << 21 for control in controls),
               str([hex(control) for control in controls]))


def kernel_half_of_a_program() -> int:
    """So many bytes of the kernel half do the page tables map that the first processor has while a program computes."""
    for _ in range(100):
        shown = ask_monitor("stop\ninfo registers\ninfo mem\ncont")
        if "CPL=3" in shown:
            return sum(int(size, 16) for first, size in re.findall(r"^(\w{16})-\w{16} (\w{16}) ", shown, re.MULTILINE) if first >= "8000000000000000")
    raise AssertionError("the processor is never in user mode")


@scenario("security.user_mode_does_not_see_the_kernel", timeout=240, only=("x86_64",))
def user_mode_does_not_see_the_kernel():
    """With page tables of its own; programs, crashes and restarts go on as ever, and the tables keep the rules."""
    compile_static("tree/bin/spin", "int main(void) { for (;;) __asm__ volatile(\"\"); }")
    watch_processors()
    os.environ["ASTRATA_BOOT_WORDS"] = "kpti=on"
    for options in (("--smp", "1"), ("--smp", "2", *FULL_MACHINE, "--isolation", "user", "--profile", "secure")):
        with chevron("--rootfs", "tree", *options) as console:
            expect("page tables of its own" in console.command("dmesg"), "not switched on")
            console.send("/bin/spin &\r" * int(options[1]))
            console.expect(r"^>>> ")
            shown = kernel_half_of_a_program()
            expect(0 < shown <= 256 << 10, f"{shown} bytes")
            console.command("strate start crasher")
            console.until("strate logs crasher", "restart 2")
            expect(console.until("mem audit", "kernel: code"), "no audit")
            expect(console.command("echo $?").startswith("0"), console.command("mem audit"))
    os.environ["ASTRATA_BOOT_WORDS"] = ""
    with chevron("--rootfs", "tree", "--smp", "1") as console:
        expect("page tables of its own" not in console.command("dmesg"), "switched on where the processor does not need it")
        console.send("/bin/spin &\r")
        console.expect(r"^>>> ")
        expect(kernel_half_of_a_program() > 64 << 20, "nothing to hide")


def kernel_symbol(name: str) -> int:
    """Where Bedrock was linked to have the symbol whose name matches."""
    symbols = subprocess.run(["llvm-nm-22", os.path.join(ROOT, "build", ARCHITECTURE, "kernel/bedrock.elf")], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^(\w+) \w {name}$", symbols, re.MULTILINE).group(1), 16)


@scenario("security.indirect_branches_by_profile", only=("x86_64",))
def indirect_branches_by_profile():
    """The thunk that Bedrock's indirect branches go through is a jump, or where the profile says so the way to the retpoline."""
    thunk = kernel_symbol("__x86_indirect_thunk_r11")
    watch_processors()
    os.environ["ASTRATA_BOOT_WORDS"] = "nokaslr"
    for profile, first in (("secure", "0xe9"), ("balanced", "0x41"), ("performance", "0x41")):
        with chevron("--profile", profile, "--smp", "2") as console:
            shown = ask_monitor(f"x /1xb {thunk:#x}")
            expect(f": {first}" in shown, f"{profile}: {shown}")
            console.command("/bin/true")
            expect(console.command("echo $?").startswith("0"), "programs do not run")


def write_memory(address: int, data: bytes) -> None:
    """By the debugger's protocol, past all permissions; the machine stands still meanwhile."""
    for _ in range(100):
        with socket.socket(socket.AF_UNIX) as stub:
            stub.settimeout(10)
            stub.connect("debugger")
            answers = []
            for packet in (f"M{address:x},{len(data):x}:{data.hex()}", "D"):
                stub.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())
                answer = b""
                while not re.search(rb"\$(OK|E\d+)#..", answer):   # that the machine has stopped may be told before
                    answer += stub.recv(4096)
                stub.sendall(b"+")
                answers.append(answer)
        if all(b"$OK#" in answer for answer in answers):
            return
        time.sleep(0.02)   # where a program was just running, Bedrock's memory may be out of the processor's reach
    expect(False, f"the debugger cannot write at {address:#x}: {answers}")


@scenario("security.calls_go_to_functions_of_their_type")
def calls_go_to_functions_of_their_type():
    """A function that timers call is given another type behind Bedrock's back: the next timer ends everything instead of calling it."""
    function = kernel_symbol(r"_ZN7astrata6kernel6Thread15timeout_expiredERNS0_9TimerNodeE(?:\.llvm\.\d+)?")
    os.environ["ASTRATA_QEMU"] = os.path.abspath(
        write_file("debugged-qemu", f'#!/bin/sh\nexec "{EMULATOR}" "$@" -gdb unix:{os.path.abspath("debugger")},server=on,wait=off\n', 0o755))
    os.environ["ASTRATA_BOOT_WORDS"] = "nokaslr"
    with chevron() as console:
        console.command("/bin/sleep 0.01")
        write_memory(function - 4, b"abcd")   # the type stands before the function
        console.send("/bin/sleep 0.01\r")
        console.expect(r"PANIC on CPU \d: failed check")


RANDOM = r"""
#include <stdio.h>
#include <sys/random.h>
int main(void) {
    static unsigned char bytes[1 << 20];
    for (size_t at = 0; at < sizeof bytes; at += 256) if (getrandom(bytes + at, 256, 0) != 256) return 1;
    double counts[256] = {0}, pairs[256] = {0}, expected = sizeof bytes / 256.0, squares = 0, pair_squares = 0;
    for (size_t i = 0; i < sizeof bytes; ++i) { counts[bytes[i]]++; pairs[(unsigned char)(bytes[i] - bytes[i ? i - 1 : 0])]++; }
    for (int i = 0; i < 256; ++i) {
        squares += (counts[i] - expected) * (counts[i] - expected) / expected;
        pair_squares += (pairs[i] - expected) * (pairs[i] - expected) / expected;
    }
    for (int i = 0; i < 16; ++i) printf("%02x", bytes[i]);
    printf(" %.0f %.0f\n", squares, pair_squares);
}
"""


@scenario("security.random_numbers", timeout=240)
def random_numbers():
    """Different at every boot and even in the mean, with the processor's generator and without."""
    compile_static("tree/bin/random", RANDOM)
    without = os.path.abspath(write_file("plain-qemu", f'#!/bin/sh\nexec "{EMULATOR}" "$@" -cpu {WITHOUT_RANDOM}\n', 0o755))
    seen = set()
    for emulator in (EMULATOR, without):
        os.environ["ASTRATA_QEMU"] = emulator
        for processors in ("1", "2"):
            first, *squares = run("/bin/random", options=["--rootfs", "tree", "--smp", processors]).check().text.split()
            seen.add(first)
            # Chi-square with 255 degrees of freedom: mean 255, deviation 23.
            expect(all(120 < int(square) < 390 for square in squares), f"{emulator}: {squares}")
    expect(len(seen) == 4, str(seen))


@scenario("security.random_numbers_of_the_host", timeout=240)
def random_numbers_of_the_host():
    """A processor without a generator, and a device with one: the system says what it was seeded from, and loses the driver without harm."""
    os.environ["ASTRATA_QEMU"] = os.path.abspath(
        write_file("plain-qemu", f'#!/bin/sh\nexec "{EMULATOR}" "$@" -cpu {WITHOUT_RANDOM}\n', 0o755))
    for machine, processors in ((MACHINES[0], "1"), (MACHINES[-1], "2")):
        with chevron("--machine", machine, "--smp", processors, "--random-device") as console:
            log = console.until("dmesg", "mixed in")
            # QEMU's riscv64 firmware hands a seed over.
            expect(f"random numbers: seeded from {'the devicetree' if ARCHITECTURE == 'riscv64' else 'nothing but times'}" in log, log)
            expect("random numbers: 64 bytes from virtio-rng" in log, log)
            for restarts in (1, 2):
                console.command("strate kill virtio-rng.0")
                for _ in range(100):
                    listed = console.command("strate list")
                    if re.search(rf"^virtio-rng\.0 .* running +\w+ +{restarts}", listed, re.MULTILINE):
                        break
                    time.sleep(0.1)
                said = console.until("strate logs virtio-rng.0", "for Bedrock")
                expect(said.count("64 random bytes from the host for Bedrock") >= 1, said)
            expect("random" in console.command("echo random"), "the shell is gone")
    with chevron() as console:
        expect("seeded from nothing but times" in console.command("dmesg") and "virtio-rng" not in console.command("strate list"), "no device")
