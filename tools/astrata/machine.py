"""The virtual machine: QEMU's command line, and the process, which never outlives the run that started it."""
from __future__ import annotations

import _socket
import os
import signal

from astrata import architectures
from astrata.architectures import ARCHITECTURES
from astrata.errors import MachineError, UsageError

# Ports of the virtio-serial device, in the order of their numbers (from 1; 0 is the console's by specification).
PORTS = ("stdin", "stdout", "stderr", "control")


class Options:
    """What kind of machine: everything that ./astrata run can choose."""

    def __init__(self, machine=None, smp=1, memory=256 << 20, icount=False, reboots=False, cpu=None, is_shared=False,
                 has_random_device=False, nodes=1, smp_limit=0, monitor=None, arch=None):
        self.architecture = ARCHITECTURES[arch or architectures.default()]
        machine = machine or self.architecture.machines[0]
        cpu = cpu or self.architecture.processor
        self.machine, self.smp, self.memory, self.nodes = machine, smp, memory, nodes
        self.smp_limit, self.monitor = smp_limit, monitor
        self.icount, self.reboots, self.cpu = icount, reboots, cpu
        self.has_random_device = has_random_device
        # A file that holds the machine's memory, for whoever wants to look at it from outside.
        self.memory_file = os.memfd_create("astrata memory", os.MFD_CLOEXEC) if is_shared else None
        if self.memory_file is not None:
            os.truncate(self.memory_file, memory)


class Disk:
    """A disk image, already open (so nothing can replace or remove it under the machine)."""

    def __init__(self, descriptor: int, serial: str, writable: bool = False, image_format: str = "raw"):
        self.descriptor, self.serial, self.writable, self.image_format = descriptor, serial, writable, image_format


def emulator(architecture: architectures.Architecture) -> str:
    """The QEMU to use; ASTRATA_QEMU names another one, for trying newer versions."""
    return os.environ.get("ASTRATA_QEMU") or f"/usr/bin/{architecture.emulator}"


def command_line(options: Options, kernel: int, archive: int, append: str, disks: list[Disk],
                 channels: dict[str, int]) -> list[str]:
    """QEMU's arguments. Files and channels are descriptors that QEMU inherits; `channels` maps names to them."""
    shared = ",memory-backend=memory" if options.memory_file is not None else ""
    machine = options.architecture.machine_words(options.machine, max(options.smp, options.smp_limit))
    words = [emulator(options.architecture), "-M", machine + shared, "-nodefaults", "-no-user-config", "-display", "none", "-cpu", options.cpu,
             "-smp", _processor_words(options), "-m", f"{options.memory >> 10}K",
             "-kernel", f"/proc/self/fd/{kernel}", "-initrd", f"/proc/self/fd/{archive}", "-append", append]
    if options.machine == "q35":
        words += ["-bios", "qboot.rom"]  # 30 ms faster than SeaBIOS, and nothing here needs one
    else:
        words += ["-global", "virtio-mmio.force-legacy=false"]
    if options.memory_file is not None:
        words += ["-object", f"memory-backend-file,id=memory,size={options.memory >> 10}K,share=on,"
                             f"mem-path=/proc/self/fd/{options.memory_file}"]
    if options.nodes > 1:
        words += _node_words(options)
    if options.monitor is not None:
        words += ["-qmp", f"unix:{options.monitor},server=on,wait=off"]
    if not options.reboots:
        words.append("-no-reboot")
    if options.icount:
        words += ["-icount", f"shift=0,{options.architecture.counted_idleness}", "-seed", "1"]
    for name, descriptor in channels.items():
        words += ["-chardev", f"socket,id={name},fd={descriptor}"]
    words += ["-serial", "chardev:serial"]
    if "control" in channels:
        words += ["-device", _device(options, "virtio-serial", f"max_ports={len(PORTS) + 1}")]
        for number, name in enumerate(PORTS, start=1):
            words += ["-device", f"virtserialport,nr={number},chardev={name},name=org.astrata.{name}"]
    if options.has_random_device:
        words += ["-object", "rng-builtin,id=random", "-device", _device(options, "virtio-rng", "rng=random")]
    for number, disk in enumerate(disks):
        # The original of a read-only disk may be in use elsewhere, so it is not locked; a writable one is.
        mode = "read-only=off" if disk.writable else "read-only=on,file.locking=off"
        words += ["-drive", f"if=none,id=disk{number},format={disk.image_format},"
                            f"file=/proc/self/fd/{disk.descriptor},{mode}",
                  "-device", _device(options, "virtio-blk", f"drive=disk{number},serial={disk.serial}")]
    return words


def _processor_words(options: Options) -> str:
    # Each node, and each processor that may come later, is a socket of its own.
    most = max(options.smp, options.smp_limit)
    if options.nodes == 1 and most == options.smp:
        return str(options.smp)
    return f"{options.smp},maxcpus={most},sockets={most},cores=1,threads=1"


def _node_words(options: Options) -> list[str]:
    """Memory and processors in equal parts, as far as they go."""
    words = []
    left = options.memory >> 20
    for node in range(options.nodes):
        part = left // (options.nodes - node)
        left -= part
        words += ["-object", f"memory-backend-ram,id=node{node},size={part}M", "-numa", f"node,nodeid={node},memdev=node{node}"]
    most = max(options.smp, options.smp_limit)
    for processor in range(most):
        words += ["-numa", f"cpu,node-id={processor * options.nodes // most},socket-id={processor}"]
    return words


def _device(options: Options, kind: str, properties: str) -> str:
    if options.machine in ("microvm", "virt"):
        return f"{kind}-device,{properties}"
    return f"{kind}-pci,disable-legacy=on,{properties}"


def isolation_words(choices: str) -> str:
    """Words of the kernel's command line for "NAME=MODE[,NAME=MODE...]", each with a space in front."""
    return "".join(f" isolation={choice.replace('=', ':', 1)}" for choice in choices.split(",") if choice)


class Machine:
    """A running QEMU. `channels` are our ends of its character devices, non-blocking sockets."""

    def __init__(self, options: Options, kernel: int, archive: int, append: str, disks: list[Disk],
                 names: tuple[str, ...]):
        # For whole suites and benchmarks behind another wall, or on another kind of kernel.
        append += isolation_words(os.environ.get("ASTRATA_ISOLATION", ""))
        append = f"{append} {os.environ.get('ASTRATA_BOOT_WORDS', '')}".rstrip()
        self.channels: dict[str, _socket.socket] = {}
        theirs: dict[str, _socket.socket] = {}
        for name in names:
            self.channels[name], theirs[name] = _socket.socketpair()
            self.channels[name].setblocking(False)
        errors, errors_write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(errors, False)
        self.errors = errors
        inherited = [kernel, archive, *([] if options.memory_file is None else [options.memory_file]), *(disk.descriptor for disk in disks), *(end.fileno() for end in theirs.values())]
        words = command_line(options, kernel, archive, append, disks,
                             {name: end.fileno() for name, end in theirs.items()})
        for descriptor in inherited:
            os.set_inheritable(descriptor, True)
        try:
            # setpriv makes the kernel kill QEMU when this process dies, however that happens. A process group of its
            # own keeps the terminal's Ctrl-C and Ctrl-Z away from it.
            self.process = os.posix_spawn(
                "/usr/bin/setpriv", ["setpriv", "--pdeathsig", "KILL", *words], os.environ, setpgroup=0,
                setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP],
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                              (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                              (os.POSIX_SPAWN_DUP2, errors_write, 2)])
        except OSError as error:
            raise MachineError(f"cannot start QEMU: {error}") from error
        finally:
            for descriptor in inherited:
                os.set_inheritable(descriptor, False)
            os.close(errors_write)
            for end in theirs.values():
                end.close()
        self.status: int | None = None

    def has_ended(self) -> bool:
        """True once QEMU is gone; its exit status is in `status` then (negative: killed by that signal)."""
        if self.status is None:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def kill(self) -> None:
        """Ends QEMU at once. Fine when no disk is written to: nothing in the machine is kept."""
        if self.status is None:
            os.kill(self.process, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def power_off(self, seconds: float) -> None:
        """Lets the guest power off by itself, then asks QEMU to end, so that it writes out its image files."""
        import time

        deadline = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(0.005)
        if not self.has_ended():
            os.kill(self.process, signal.SIGTERM)
            deadline = time.monotonic() + 5
            while not self.has_ended() and time.monotonic() < deadline:
                time.sleep(0.005)
        self.kill()

    def error_output(self) -> str:
        """What QEMU itself complained about."""
        try:
            text = os.read(self.errors, 1 << 16).decode("utf-8", "replace")
        except (BlockingIOError, OSError):
            return ""
        # `-cpu max` names what TCG lacks on every start; that is not news.
        return "\n".join(line for line in text.splitlines() if "TCG doesn't support requested feature" not in line)


def check_image(path: str, option: str) -> int:
    """Opens an image file for QEMU, or explains in one line why not."""
    import stat

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from error
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        os.close(descriptor)
        raise UsageError(f"{option} {path}: not a file or block device")
    return descriptor
