"""The Linux that is compared with: the distribution's cloud kernel, fetched by apt and unpacked, never installed."""
from __future__ import annotations

import glob
import os
import struct
import subprocess

from astrata import bench_programs, cpio, machine, measure, packages, paths
from astrata.errors import CommandError

MODULES = ("drivers/virtio/virtio_ring", "drivers/virtio/virtio", "drivers/virtio/virtio_mmio", "drivers/block/virtio_blk")
# Compressed kernels begin with one of these; the tool writes what it finds to stdout.
DECOMPRESSORS = {b"\x02\x21\x4c\x18": ["lz4", "-dc"], b"\xfd7zXZ": ["xz", "-dc"], b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
                 b"\x1f\x8b": ["gzip", "-dc"]}
SETUP_SECTORS, PAYLOAD_OFFSET = 0x1F1, 0x248  # of the boot protocol's header


class LinuxReference:
    """The unpacked kernel, and boots of it with our benchmark programs."""

    def __init__(self):
        folder = os.path.join(paths.cache(), "linux-reference")
        self.kernel_path = os.path.join(folder, "vmlinux")
        if not os.path.exists(self.kernel_path):
            _fetch(folder)
        self.release = os.path.basename(glob.glob(f"{folder}/unpacked/boot/vmlinuz-*")[0]).partition("-")[2]
        self._modules = f"{folder}/unpacked/lib/modules/{self.release}/kernel"
        if not os.path.isdir(self._modules):
            self._modules = f"{folder}/unpacked/usr/lib/modules/{self.release}/kernel"
        self.kernel = os.open(self.kernel_path, os.O_RDONLY | os.O_CLOEXEC)
        self.ticks_per_second = bench_programs.ticks_per_second()

    def boot(self, init: str, command: list[str], options: machine.Options, until: str = "done\r\n", disk: int | None = None,
             seconds: float = 120, cpu: str | None = None, words: str = "") -> measure.Boot:
        """Boots with `init` (a benchmark program) as first program and `command` for it to run, `words` on the kernel command line."""
        rate = 1_000_000_000 if options.icount else self.ticks_per_second
        append = (f"console=ttyS0 quiet panic=-1 tsc=reliable tsc_early_khz={rate / 1000:.0f} random.trust_cpu=on rdinit=/bench/{init}"
                  f" command={','.join(command)}{words}")
        disks = [machine.Disk(disk, "root")] if disk is not None else []
        archive = os.memfd_create("initramfs")
        try:
            os.write(archive, self._initramfs(with_modules=disk is not None))
            return measure.run_console(self.kernel, archive, append, options, until, disks, seconds=seconds, cpu=cpu)
        finally:
            os.close(archive)

    def _initramfs(self, with_modules: bool) -> bytes:
        entries = [cpio.directory(name) for name in ("dev", "proc", "tmp", "disk")] + bench_programs.members("bench")
        if with_modules:
            entries.append(cpio.directory("modules"))
            for name in MODULES:
                entries.append(cpio.file(f"modules/{os.path.basename(name)}.ko", self._module(name)))
        return cpio.write(entries, page=4)

    def _module(self, name: str) -> bytes:
        found = glob.glob(f"{self._modules}/{name}.ko*")
        if not found:
            raise CommandError(f"the Linux package has no module {name}")
        if found[0].endswith(".xz"):
            return subprocess.run(["xz", "-dc", found[0]], stdout=subprocess.PIPE, check=True).stdout
        with open(found[0], "rb") as file:
            return file.read()


def _fetch(folder: str) -> None:
    """Downloads the package behind linux-image-cloud-amd64 and takes the ELF kernel out of its compressed image."""
    depends = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], stdout=subprocess.PIPE, text=True,
                             check=False).stdout
    names = [line.split()[-1] for line in depends.splitlines() if "Depends: linux-image-" in line]
    if not names:
        raise CommandError("apt knows no linux-image-cloud-amd64 to compare with")
    package = packages.download(names[0], folder)
    unpacked = os.path.join(folder, "unpacked")
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
    with open(glob.glob(f"{unpacked}/boot/vmlinuz-*")[0], "rb") as file:
        kernel = extract_kernel(file.read())
    temporary = os.path.join(folder, f"vmlinux.{os.getpid()}")
    with open(temporary, "wb") as file:
        file.write(kernel)
    os.replace(temporary, os.path.join(folder, "vmlinux"))
    os.unlink(package)


def extract_kernel(image: bytes) -> bytes:
    """The ELF file inside a bzImage: QEMU enters it directly through PVH, as it does ours."""
    if image[0x1FE:0x200] != b"\x55\xaa":
        raise CommandError("the Linux image is no bzImage")
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = ((image[SETUP_SECTORS] or 4) + 1) * 512 + offset
    payload = image[start : start + length]
    for magic, command in DECOMPRESSORS.items():
        if payload.startswith(magic):
            # The last four bytes are the size of the contents, which the tools take for garbage and complain about.
            output = subprocess.run(command, input=payload, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                    check=False).stdout
            if output.startswith(b"\x7fELF"):
                return output
    raise CommandError("the Linux image is compressed in an unknown way")
