#!/usr/bin/env python3
"""Makes the seeds of volume_fuzz.cc: small images from mke2fs, debugfs and e2fsck, in the fuzzer's sparse form.

usage: volume_fuzz_seeds.py FOLDER
"""
import os
import struct
import subprocess
import sys
import tempfile

LOG_SIZE = 8  # 256 KiB
RUN_GAP = 16  # zero bytes that are worth ending a record for

FORMATS = {
    "ext4": "-t ext4 -O ^has_journal,^resize_inode",
    "ext4_inline_data": "-t ext4 -O ^has_journal,^resize_inode,inline_data",
    "ext3": "-t ext2 -O ^resize_inode -I 128",
    "ext4_2k": "-t ext4 -b 2048 -O ^has_journal,^resize_inode",
}


def tool(*command):
    environment = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin", TZ="UTC", E2FSPROGS_FAKE_TIME="1000000000")
    status = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    if status > 1:  # e2fsck: 1 means that it changed something
        sys.exit(f"{' '.join(command)} failed with {status}")


def make_tree(folder):
    os.makedirs(f"{folder}/d")
    open(f"{folder}/file", "w").write("contents " * 10)
    with open(f"{folder}/holes", "wb") as file:
        for piece in range(6):
            file.seek(piece * 4096)
            file.write(b"x")
    for index in range(60):
        os.link(f"{folder}/file", f"{folder}/d/{index:02} " + "n" * 40)
    os.symlink("target", f"{folder}/fast")
    os.symlink("t" * 70, f"{folder}/slow")


def make_image(path, options, tree):
    block = [] if "-b" in options else ["-b", "1024"]
    tool("mke2fs", "-q", "-F", *block, "-N", "32", "-U", "6c7e1f44-3f36-4a3c-8d53-5f0a6f3a9a10", "-E",
         "hash_seed=6c7e1f44-3f36-4a3c-8d53-5f0a6f3a9a10", *options.split(), "-d", tree, path, f"{1 << LOG_SIZE}k")
    tool("debugfs", "-w", "-R", "ea_set file user.attribute value", path)
    tool("e2fsck", "-fyD", path)


def sparse(image, verify):
    """The image as records of what is not zero."""
    out = bytearray([LOG_SIZE << 1 | verify])
    at = 0
    while at < len(image):
        if image[at] == 0:
            at += 1
            continue
        end = image.find(bytes(RUN_GAP), at)
        end = len(image) if end < 0 else end
        end = min(end, at + 0xFFFF)
        out += struct.pack("<HBH", at & 0xFFFF, at >> 16, end - at) + image[at:end]
        at = end
    return bytes(out)


def without_bitmaps(image):
    """Long runs of ones are bitmap padding, which a reader never looks at."""
    return image.replace(b"\xff" * 32, bytes(32))


def main():
    (target,) = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        make_tree(f"{folder}/tree")
        for name, options in FORMATS.items():
            image = f"{folder}/{name}"
            make_image(image, options, f"{folder}/tree")
            contents = without_bitmaps(open(image, "rb").read())
            for verify in (0, 1):
                with open(f"{target}/{name}_{'verify' if verify else 'ignore'}", "wb") as seed:
                    seed.write(sparse(contents, verify))


if __name__ == "__main__":
    main()
