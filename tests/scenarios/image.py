"""Bootable media: GRUB starts the system by Multiboot2 under BIOS and UEFI, from CD and from disk."""
import os
import subprocess
import time

from harness import ASTRATA, expect, scenario, shorten

FIRMWARE = {"SeaBIOS": [], "OVMF": ["-bios", "/usr/share/ovmf/OVMF.fd"]}


def boot(arguments: list[str], wanted: bytes, seconds: float) -> None:
    """Boots a PC and waits for `wanted` on its serial line."""
    process = subprocess.Popen(["qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-m", "256", "-nodefaults", "-display", "none",
                                "-serial", "stdio", "-no-reboot", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.set_blocking(process.stdout.fileno(), False)
    seen, deadline = b"", time.monotonic() + seconds
    try:
        while wanted not in seen:
            expect(time.monotonic() < deadline and process.poll() is None, f"{arguments}: no prompt; the console:\n{shorten(seen)}")
            time.sleep(0.05)
            seen += process.stdout.read() or b""
    finally:
        process.kill()
        process.communicate()


@scenario("image.iso", timeout=180, only=("x86_64",))
def iso():
    subprocess.run([ASTRATA, "image", "iso", "--output", "astrata.iso"], check=True)
    for firmware in FIRMWARE.values():
        boot([*firmware, "-cdrom", "astrata.iso"], b">>> ", 60)
    boot(["-drive", "file=astrata.iso,format=raw,if=virtio"], b">>> ", 60)


@scenario("image.disk", timeout=180, only=("x86_64",))
def disk():
    subprocess.run([ASTRATA, "image", "disk", "--output", "astrata.disk"], check=True)
    for firmware in FIRMWARE.values():
        boot([*firmware, "-drive", "file=astrata.disk,format=raw,if=virtio"], b">>> ", 60)
