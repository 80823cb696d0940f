"""./astrata image: a bootable ISO or raw disk with GRUB, which starts Bedrock by Multiboot2 under BIOS and UEFI."""
from __future__ import annotations

import os
import shutil
import subprocess

from astrata import architectures, build, guid_disk, packages, paths
from astrata.errors import CommandError, UsageError
from astrata.messages import say
from astrata.options import Option, parse
from astrata.temporary import temporary_folder

USAGE = "iso|disk [OPTION...]"
OPTIONS = [
    Option("--arch", "ARCHITECTURE", "x86_64", convert=architectures.architecture, help="x86_64"),
    Option("--output", "FILE", help="where to write it (build/ARCHITECTURE/astrata.iso or astrata.disk)"),
    Option("--append", "WORDS", "session=console console=none root=archive", help="kernel command line"),
]
CONFIGURATION = """set timeout=0
set default=0
insmod all_video
menuentry "Astrata" {{
    multiboot2 /boot/bedrock.elf {append}
    module2 --nounzip /boot/boot.archive
    boot
}}
"""
GRUB = "/usr/lib/grub"
BIOS_MODULES = ["biosdisk", "part_gpt", "fat", "normal", "configfile", "multiboot2", "boot", "echo", "all_video"]
EFI_MODULES = ["part_gpt", "fat", "normal", "configfile", "multiboot2", "boot", "echo", "all_video", "efi_gop"]


def main(words: list[str]) -> int:
    """Runs `./astrata image WORDS...`."""
    arguments = parse("image", OPTIONS, words)
    if len(arguments.positional) != 1 or arguments.positional[0] not in ("iso", "disk"):
        raise UsageError("image: expected iso or disk")
    kind = arguments.positional[0]
    if arguments.arch != architectures.NATIVE:
        raise UsageError(f"--arch {arguments.arch}: images are for PCs (its machine boots build/{arguments.arch}/kernel/bedrock.image as it is)")
    packages.ensure("image")
    build.ready_system(arguments.arch)
    folder = paths.target_build(arguments.arch)
    output = os.path.abspath(arguments.output or os.path.join(folder, f"astrata.{kind}"))
    with temporary_folder("image") as work:
        make = make_iso if kind == "iso" else make_disk
        make(work, build.kernel_path(folder), build.archive_path(folder), arguments.append, output)
    say(f"wrote {os.path.relpath(output)}")
    return 0


def make_iso(work: str, kernel: str, archive: str, append: str, output: str) -> None:
    """A hybrid ISO by grub-mkrescue: boots from CD or disk, under SeaBIOS and OVMF."""
    tree = os.path.join(work, "tree")
    _boot_tree(tree, kernel, archive, append)
    made = os.path.join(work, "image")
    _run(["grub-mkrescue", "-o", made, tree], work)
    _publish(made, output)


def make_disk(work: str, kernel: str, archive: str, append: str, output: str) -> None:
    """A raw disk with a GUID partition table."""
    tree = os.path.join(work, "tree")
    _boot_tree(tree, kernel, archive, append)
    core, loader = os.path.join(work, "core.img"), os.path.join(work, "BOOTX64.EFI")
    _run(["grub-mkimage", "-O", "i386-pc", "-p", "(hd0,gpt2)/boot/grub", "-o", core, *BIOS_MODULES], work)
    _run(["grub-mkimage", "-O", "x86_64-efi", "-p", "/boot/grub", "-o", loader, *EFI_MODULES], work)
    files = _fat(work, tree, loader)
    with open(f"{GRUB}/i386-pc/boot.img", "rb") as file:
        boot_sector = file.read()
    with open(core, "rb") as file:
        stage = file.read()
    partitions = [guid_disk.Partition(guid_disk.BIOS_BOOT, "grub", stage),
                  guid_disk.Partition(guid_disk.EFI_SYSTEM, "boot", files)]
    guid_disk.layout(partitions)
    boot_sector, partitions[0].data = guid_disk.install_bios_loader(boot_sector, stage, partitions[0].first)
    made = os.path.join(work, "image")
    guid_disk.write(made, partitions, boot_sector)
    _publish(made, output)


def _boot_tree(tree: str, kernel: str, archive: str, append: str) -> None:
    os.makedirs(os.path.join(tree, "boot", "grub"))
    _run(["llvm-strip-22", "--strip-debug", "-o", os.path.join(tree, "boot", "bedrock.elf"), kernel], tree)
    shutil.copyfile(archive, os.path.join(tree, "boot", "boot.archive"))
    with open(os.path.join(tree, "boot", "grub", "grub.cfg"), "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(append=append))


def _fat(work: str, tree: str, loader: str) -> bytes:
    """A FAT file system with the boot tree and the UEFI loader in the place where firmware looks for it."""
    image = os.path.join(work, "fat")
    size = sum(os.stat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(tree) for name in names)
    kilobytes = max(33 << 10, (size + os.stat(loader).st_size) // 1024 * 5 // 4 + 1024)
    _run(["mformat", "-i", image, "-C", "-T", str(kilobytes * 2), "-h", "16", "-s", "63", "-v", "ASTRATA", "::"], work)
    _run(["mcopy", "-i", image, "-s", os.path.join(tree, "boot"), "::/"], work)
    _run(["mmd", "-i", image, "::/EFI", "::/EFI/BOOT"], work)
    _run(["mcopy", "-i", image, loader, "::/EFI/BOOT/BOOTX64.EFI"], work)
    with open(image, "rb") as file:
        return file.read()


def _publish(made: str, output: str) -> None:
    temporary = f"{output}.{os.getpid()}"
    try:
        shutil.copyfile(made, temporary)
        os.replace(temporary, output)
    except OSError as error:
        raise CommandError(f"{output}: {error.strerror}") from error


def _run(command: list[str], folder: str) -> None:
    result = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                            env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})
    if result.returncode != 0:
        raise CommandError(f"{command[0]} failed\n{result.stdout.strip()}")
