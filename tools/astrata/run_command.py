"""./astrata run: boots the system in QEMU, with a command as its only work or with Chevron on the terminal."""
from __future__ import annotations

import os
import stat

from astrata import architectures, build, machine, protocol, terminal
from astrata.errors import CommandError, UsageError
from astrata.messages import say
from astrata.options import Arguments, Option, choice, memory_size, parse, whole_number

USAGE = "[OPTION...] [-- COMMAND ARGUMENT...]"


def _refuse(what: str):
    def convert(name: str, _text: str):
        raise UsageError(f"{name}: not supported yet ({what})")

    return convert


PROCESSORS = whole_number(1, 64)
ISOLATION_MODES = ("user", "kernel")


def isolation(name: str, text: str) -> str:
    """Converter: NAME=MODE[,NAME=MODE...]; a MODE alone is the Linux personality's."""
    choices = []
    for part in text.split(","):
        strate, equals, mode = part.rpartition("=")
        if "=" in strate or (equals and not strate):
            raise UsageError(f"{name} {text}: expected NAME=MODE, separated by commas")
        if mode not in ISOLATION_MODES:
            raise UsageError(f"{name} {text}: unknown mode {mode!r}, expected {' or '.join(ISOLATION_MODES)}")
        choices.append(f"{strate or 'linux'}={mode}")
    return ",".join(choices)


TRACE_BUFFER = 4 << 20  # bytes of each CPU's ring: the largest
TRACE_GROUPS = ("system_calls", "ipc", "scheduling", "faults", "interrupts", "timers", "life")


def trace_groups(name: str, text: str) -> str:
    """Converter: names of groups of events (abi/types.abi), separated by commas."""
    for group in text.split(","):
        if group not in (*TRACE_GROUPS, "all"):
            raise UsageError(f"{name} {text}: unknown group {group!r}, expected all or some of {', '.join(TRACE_GROUPS)}")
    return text


OPTIONS = [
    Option("--arch", "ARCHITECTURE", convert=architectures.architecture, help="x86_64 (also without this option), aarch64 or riscv64"),
    Option("--smp", "NUMBER", convert=PROCESSORS, help="processors (1)"),
    Option("--smp-limit", "NUMBER", 0, convert=whole_number(1, 64), help="processors that there may be, plugged in later; needs --machine q35"),
    Option("--monitor", "SOCKET", help="QEMU's machine protocol on a Unix socket, for plugging in and out"),
    Option("--numa", "NODES", 1, convert=whole_number(1, 8), help="nodes that share processors and memory (1); more need --machine q35"),
    Option("--memory", "SIZE", 256 << 20, convert=memory_size, help="memory of the machine (256M)"),
    Option("--machine", "KIND", convert=choice(*architectures.MACHINES),
           help="on x86_64 microvm (smallest, starts fastest) or q35 (a PC with PCI); elsewhere virt"),
    Option("--rootfs", "PATH", help="root file system: a folder, a tar (plain, OCI or docker) or an ext4 image; left unchanged"),
    Option("--rw", help="keep what is written to the root file system (not supported yet)"),
    Option("--disk", "IMAGE", repeat=True, help="a further disk (raw or qcow2); may be given several times"),
    Option("-p", "HOST:GUEST", repeat=True, convert=_refuse("there is no network"), help="forward a port (not supported yet)"),
    Option("--isolation", "NAME=MODE", convert=isolation,
           help="wall around a strate: user or kernel; several separated by commas; MODE alone is for linux"),
    Option("--trace", "FILE", help="record what the system does from its first process on, for ui.perfetto.dev"),
    Option("--trace-events", "GROUPS", convert=trace_groups,
           help=f"what to record: all, or some of {','.join(TRACE_GROUPS)}"),
    Option("--profile", "NAME", "balanced", convert=choice("secure", "balanced", "performance"),
           help="how much protection to pay for: secure, balanced or performance (docs/security.md)"),
    Option("--random-device", help="a virtio device that gives the machine random bytes of the host"),
    Option("--icount", help="count instructions instead of time: exactly repeatable, slower"),
    Option("--verbose", help="show the system's console on stderr"),
]


def main(words: list[str]) -> int:
    """Runs `./astrata run WORDS...`."""
    arguments = parse("run", OPTIONS, words)
    arguments.arch = arguments.arch or architectures.default()
    arguments.machine = architectures.chosen_machine(arguments.arch, arguments.machine)
    if arguments.smp is None:
        arguments.smp = PROCESSORS("ASTRATA_SMP", os.environ.get("ASTRATA_SMP") or "1")
    check(arguments)
    _open_missing_descriptors()
    disks, image = open_disks(arguments)
    trace = _open_trace(arguments.trace)
    system = build.ready_system(arguments.arch)
    options = machine.Options(arguments.machine, arguments.smp, arguments.memory, arguments.icount,
                              reboots=arguments.command is None, is_shared=trace is not None,
                              has_random_device=arguments.random_device, nodes=arguments.numa,
                              smp_limit=arguments.smp_limit, monitor=arguments.monitor, arch=arguments.arch)
    collector = None
    if trace is not None:
        from astrata.trace_rings import Collector

        collector = Collector(options.memory_file, options.memory)
        collector.start()
    try:
        if arguments.command is None:
            status = _run_console(arguments, options, system, disks)
        else:
            status = _run_command(arguments, options, system, disks, image)
    except (CommandError, KeyboardInterrupt):
        # What led there is what a recording is for; the first error is the one to tell.
        if collector is not None:
            from contextlib import suppress

            with suppress(CommandError):
                _write_trace(collector, system, trace, arguments.trace)
        raise
    if collector is not None:
        _write_trace(collector, system, trace, arguments.trace)
    return status


def _open_trace(path: str | None):
    """The file to write to, before anything runs that would be in vain without it."""
    if path is None:
        return None
    try:
        return open(path, "wb")
    except OSError as error:
        raise UsageError(f"--trace {path}: {error.strerror}") from error


def _write_trace(collector, system, file, path: str) -> None:
    from astrata.perfetto import Exporter
    from astrata.trace_records import Tables

    collector.finish()
    tables = Tables(os.path.join(system.folder, "generated", "abi"), system.target)
    records = tables.decode(collector.records, collector.frequency)
    try:
        with file:
            file.write(Exporter(tables).export(records))
    except OSError as error:
        raise CommandError(f"--trace {path}: {error.strerror}") from error
    lost = f", {collector.lost} were lost" if collector.lost else ""
    say(f"{path}: {len(records)} events{lost}")


def check(arguments: Arguments) -> None:
    """Refuses what cannot work before anything is built."""
    if arguments.positional:
        raise UsageError(f"run: unexpected argument {arguments.positional[0]!r} (a command follows --)")
    if arguments.command == []:
        raise UsageError("run: nothing follows -- (a command should)")
    if arguments.trace_events is not None and arguments.trace is None:
        raise UsageError("--trace-events: only together with --trace FILE")
    if arguments.smp_limit and arguments.machine != "q35":
        raise UsageError("--smp-limit: needs --machine q35")
    if arguments.monitor is not None and ("," in arguments.monitor or os.path.exists(arguments.monitor)):
        raise UsageError(f"--monitor {arguments.monitor}: must be a new path, without commas")
    if arguments.numa > 1:
        if arguments.machine != "q35":
            raise UsageError("--numa: needs --machine q35")
        if arguments.trace is not None:
            raise UsageError("--numa: not together with --trace")
        if arguments.memory % (1 << 20) or arguments.memory >> 20 < 16 * arguments.numa:
            raise UsageError("--numa: the memory must be whole megabytes, at least 16 for each node")
    if arguments.rw:
        raise UsageError("--rw: not supported yet")
    if any("\0" in word for word in arguments.command or []):
        raise UsageError("run: an argument holds a NUL byte")


def open_disks(arguments: Arguments):
    """The root file system (prepared if it is a folder or tar) and the further disks; and the image's settings."""
    disks: list[machine.Disk] = []
    image = None
    if arguments.rootfs is not None:
        from astrata import root_image

        image = root_image.prepare(arguments.rootfs, arguments.arch)
        disks.append(machine.Disk(image.descriptor, "root"))
    for number, path in enumerate(arguments.disk):
        descriptor = machine.check_image(path, "--disk")
        is_qcow2 = os.pread(descriptor, 4, 0) == b"QFI\xfb"
        if not is_qcow2 and _is_empty(descriptor):
            raise UsageError(f"--disk {path}: is empty")
        disks.append(machine.Disk(descriptor, f"disk{number}", os.access(path, os.W_OK),
                                  "qcow2" if is_qcow2 else "raw"))
    return disks, image


def append_line(arguments: Arguments, session: str) -> str:
    """Bedrock's command line; docs/boot-options.md says what each word means."""
    words = [f"session={session}", "console=serial" if arguments.verbose else "console=none",
             "root=disk" if arguments.rootfs is not None else "root=archive"]
    if arguments.trace is not None:
        words.append(f"trace={arguments.trace_events or 'all'} trace-buffer={TRACE_BUFFER}")
    if arguments.profile != "balanced":
        words.append(f"profile={arguments.profile}")
    if arguments.isolation:
        words.append(machine.isolation_words(arguments.isolation).strip())
    return " ".join(words)


def _run_command(arguments, options, system, disks, image) -> int:
    from contextlib import nullcontext

    from astrata.command_relay import relay_command

    environment = dict(image.environment) if image else {}
    environment.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    environment.setdefault("HOME", "/root")
    size = None
    if terminal.is_interactive():
        name = os.environ.get("TERM") or "vt100"
        environment.setdefault("TERM", name)
        size = (*terminal.size(), name)
    request = protocol.Request(arguments.command, environment, image.directory if image else "/", size)
    guest = machine.Machine(options, system.kernel, system.archive, append_line(arguments, "virtio"), disks,
                            (*machine.PORTS, "serial"))
    try:
        with terminal.raw_mode() if size else nullcontext():
            return relay_command(guest, request, arguments.verbose)
    finally:
        _end(guest, disks)


def _run_console(arguments, options, system, disks) -> int:
    from contextlib import nullcontext

    from astrata.console_relay import ConsoleRelay

    interactive = terminal.is_interactive()
    append = append_line(arguments, "console")
    if interactive:
        say("Ctrl-A x leaves")
        columns, rows = terminal.size()
        append += f" terminal={columns}x{rows}"
    guest = machine.Machine(options, system.kernel, system.archive, append, disks, ("serial",))
    try:
        with terminal.raw_mode() if interactive else nullcontext():
            return ConsoleRelay(guest, interactive, options.architecture.sign_of_life).run()
    finally:
        _end(guest, disks)


def _end(guest: machine.Machine, disks: list[machine.Disk]) -> None:
    if any(disk.writable for disk in disks):
        guest.power_off(10)
    guest.kill()


def _is_empty(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def _open_missing_descriptors() -> None:
    """A closed stdin, stdout or stderr becomes /dev/null, so that nothing else gets its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open("/dev/null", os.O_RDWR)
