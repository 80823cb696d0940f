"""--rootfs: what it names (told by content, not by name), and an ext4 image of it, made if need be and kept for next time."""
from __future__ import annotations

import os
import stat
import time

from astrata import architectures, fingerprint, machine, packages, paths
from astrata.errors import CommandError, UsageError
from astrata.messages import say

# Two changes of a file within one tick of the file system's clock cannot be told apart by its times.
CLOCK_TICK = 0.02


class RootImage:
    """An open ext4 image, and how programs in it are started."""

    def __init__(self, descriptor: int, environment: dict[str, str] | None = None, directory: str = "/"):
        self.descriptor, self.environment, self.directory = descriptor, environment or {}, directory


def kind_of(path: str) -> str:
    """`folder`, `ext4` or `archive`; UsageError for anything else."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise UsageError(f"--rootfs {path}: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        return "folder"
    descriptor = machine.check_image(path, "--rootfs")
    try:
        head = os.pread(descriptor, 4096, 0)
    finally:
        os.close(descriptor)
    if head[0x438:0x43A] == b"\x53\xef":  # s_magic of the superblock at 1024
        return "ext4"
    import tarfile

    try:
        if head and tarfile.is_tarfile(path):
            return "archive"
    except (OSError, EOFError, ValueError):
        pass
    raise UsageError(f"--rootfs {path}: neither a folder nor a tar archive nor an ext4 image")


def prepare(path: str, architecture: str = architectures.NATIVE) -> RootImage:
    """An image ready to be the root disk; of a container image that is for several architectures, the one for this."""
    kind = kind_of(path)
    if kind == "ext4":
        return RootImage(machine.check_image(path, "--rootfs"))
    from astrata.image_cache import ImageCache

    packages.ensure("root-file-system")
    cache = ImageCache()
    source = os.path.realpath(path)
    name = architectures.ARCHITECTURES[architecture].debian_name
    key = _fingerprint(source, name)
    found = cache.open(key) or _make(kind, source, name, key, cache)
    descriptor, settings = found
    return RootImage(descriptor, settings["environment"], settings["directory"])


def _make(kind: str, source: str, architecture: str, key: str, cache) -> tuple[int, dict]:
    import json
    import subprocess

    from astrata.temporary import temporary_folder

    say(f"making an ext4 image of {source}")
    with temporary_folder("root-image") as work:
        image, settings_path = os.path.join(work, "image"), os.path.join(work, "settings")
        # Root sees true owners by itself; anyone else gets files of their own as root's, and archives unpacked with the
        # owners that they name.
        fakeroot = [] if os.geteuid() == 0 and kind == "folder" else ["fakeroot", "--"]
        command = ["setpriv", "--pdeathsig", "TERM", *fakeroot, "/usr/bin/python3", "-IS",
                   os.path.join(paths.TOOLS, "image_worker.py"), kind, source, architecture, image, work, settings_path]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True, errors="replace", check=False)
        if result.returncode != 0:
            reason = [line for line in result.stderr.splitlines() if line.strip()]
            raise CommandError(f"--rootfs {source}: {reason[-1] if reason else 'cannot make an image of it'}")
        with open(settings_path, encoding="utf-8") as file:
            settings = json.load(file)
        descriptor = os.open(image, os.O_RDONLY | os.O_CLOEXEC)
        if _fingerprint(source, architecture) == key:  # unless it changed meanwhile
            cache.keep(key, image, settings)
    return descriptor, settings


def _fingerprint(source: str, architecture: str) -> str:
    """Fingerprint of a folder tree or file by names, sizes, owners and times."""
    import hashlib

    while True:
        started = time.time()
        digest = hashlib.sha256(f"{os.geteuid()} {architecture} {source}\n".encode("utf-8", "surrogateescape"))
        newest = 0.0
        for path, status in _files(source):
            newest = max(newest, status.st_ctime)
            fields = (status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns,
                      status.st_ctime_ns, status.st_ino, status.st_dev, status.st_rdev)
            digest.update(f"{path}\0{fields}\n".encode("utf-8", "surrogateescape"))
        if newest < started - CLOCK_TICK or newest > started + 1:
            return digest.hexdigest()
        time.sleep(CLOCK_TICK)


def _files(source: str):
    """The source itself and, for a folder, all below it, in a fixed order."""
    yield source, os.stat(source)
    if not os.path.isdir(source):
        return
    stack = [source]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise UsageError(f"--rootfs {source}: {error.filename}: {error.strerror}") from error
        for entry in found:
            try:
                yield entry.path, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
