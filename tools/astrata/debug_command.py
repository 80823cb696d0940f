"""./astrata debug: the system stopped at its first instruction, with gdb attached and Bedrock's symbols loaded."""
from __future__ import annotations

import os
import signal
import subprocess

from astrata import architectures, build, machine, packages, paths
from astrata.messages import say
from astrata.options import Option, choice, memory_size, no_words, parse, whole_number
from astrata.temporary import temporary_folder

USAGE = "[OPTION...]"
OPTIONS = [
    Option("--arch", "ARCHITECTURE", convert=architectures.architecture, help="x86_64 (also without this option), aarch64 or riscv64"),
    Option("--machine", "KIND", convert=choice(*architectures.MACHINES), help="on x86_64 microvm or q35; elsewhere virt"),
    Option("--smp", "NUMBER", 1, convert=whole_number(1, 64), help="processors (1)"),
    Option("--memory", "SIZE", 256 << 20, convert=memory_size, help="memory of the machine (256M)"),
    Option("--icount", help="count instructions instead of time"),
    Option("--gdb", "COMMAND", repeat=True, help="a command for gdb after attaching; may be given several times"),
    Option("--batch", help="leave gdb after these commands"),
]


def main(words: list[str]) -> int:
    """Runs `./astrata debug WORDS...`."""
    arguments = parse("debug", OPTIONS, words)
    no_words("debug", arguments)
    arch = arguments.arch or architectures.default()
    kind = architectures.chosen_machine(arch, arguments.machine)
    debugger = architectures.ARCHITECTURES[arch].debugger
    packages.ensure(debugger)
    system = build.ready_system(arch)
    console = os.path.join(paths.BUILD, "debug-console.log")
    say(f"the console goes to {os.path.relpath(console)}")
    options = machine.Options(kind, arguments.smp, arguments.memory, arguments.icount, arch=arch)
    with temporary_folder("debug") as folder:
        socket = os.path.join(folder, "gdb")
        words = machine.command_line(options, system.kernel, system.archive, "session=console console=serial root=archive nokaslr", [], {})
        words += ["-chardev", f"file,id=serial,path={console}", "-S", "-gdb", f"unix:{socket},server=on,wait=off"]
        os.set_inheritable(system.kernel, True)
        os.set_inheritable(system.archive, True)
        emulator = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *words], stdin=subprocess.DEVNULL, close_fds=False,
                                    process_group=0)
        try:
            return _gdb(debugger, arguments, socket, build.kernel_path(system.folder))
        finally:
            emulator.send_signal(signal.SIGKILL)
            emulator.wait()


def _gdb(debugger: str, arguments, socket: str, kernel: str) -> int:
    import time

    deadline = time.monotonic() + 10
    while not os.path.exists(socket) and time.monotonic() < deadline:
        time.sleep(0.01)
    command = [debugger, "-q", "-ex", "set pagination off", "-ex", f"file {kernel}", "-ex", f"target remote {socket}"]
    for line in arguments.gdb:
        command += ["-ex", line]
    if arguments.batch:
        command.append("-batch")
    # Ctrl-C belongs to gdb while it runs.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
