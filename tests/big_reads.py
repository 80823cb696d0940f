"""Strates killed while a program reads a large file: what it reads must be right."""
import hashlib
import random
import re
import time

from harness import chevron, copy_busybox, expect, make_ext4, write_file


def image_with_big_file(megabytes: int) -> tuple[str, str]:
    """An ext4 image with sha256sum and a file of random bytes, and their checksum."""
    data = random.Random(7).randbytes(megabytes << 20)
    write_file("tree/big", data)
    copy_busybox("tree/bin/sha256sum")
    return make_ext4("big.ext4", "tree", f"{megabytes + 32}M"), hashlib.sha256(data).hexdigest()


def kill_while_reading(victims: list[str], machine: str, *options: str) -> None:
    """Kills the strates in turn; each must have been started again, and the program's checksum be right."""
    image, digest = image_with_big_file(96)
    with chevron("--rootfs", image, "--machine", machine, "--smp", "2", "--memory", "256M", *options) as console:
        console.send("/bin/sha256sum /big &\r")
        console.expect(r"^>>> ")
        for number in range(6):
            time.sleep(0.15)
            said = console.command(f"strate kill {victims[number % len(victims)]}")
            expect("no such" not in said, said)
        console.expect(re.escape(digest), 120)
        listed = console.command("strate list")
        for victim in victims:
            # NAME MANIFEST STATE ISOLATION RESTARTS
            expect(re.search(rf"^{re.escape(victim)} .* running +\w+ +[1-9]", listed, re.MULTILINE), f"{victim} did not start again:\n{listed}")
