"""Libraries that the system is built with, from the distribution's source archive: fetched once, checked, unpacked into the cache.

`python3 -m astrata.library_sources NAME` prints the folder; the build's description asks that way.
"""
from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import tarfile

from astrata import packages, paths
from astrata.errors import CommandError
from astrata.messages import say


@dataclasses.dataclass(frozen=True)
class SourcePackage:
    """One upstream archive as the distribution keeps it; the checksum is that of its index of sources."""

    path: str      # below the archive's root
    sha256: str
    top: str       # the folder inside


LIBRARIES = {
    "libfdt": SourcePackage(
        "pool/main/d/device-tree-compiler/device-tree-compiler_1.7.2.orig.tar.xz",
        "92d8ca769805ae1f176204230438fe52808f4e1c7944053c9eec0e649b237539", "dtc-1.7.2/libfdt"),
}

APT_HELPER = "/usr/lib/apt/apt-helper"


def folder_of(name: str) -> str:
    """The library's unpacked folder, fetching it on first use; a CommandError says what is wrong."""
    package = LIBRARIES[name]
    folder = os.path.join(paths.cache(), "sources", f"{name}-{package.sha256[:16]}")
    if not os.path.isdir(folder):
        say(f"fetching the sources of {name}")
        temporary = f"{folder}.{os.getpid()}"
        os.makedirs(temporary)
        try:
            archive = os.path.join(temporary, "archive")
            fetch(package.path, package.sha256, archive)
            with tarfile.open(archive) as contents:
                contents.extractall(temporary, filter="data")
            os.unlink(archive)
            try:
                os.rename(temporary, folder)
            except OSError:
                # Another build was first.
                if not os.path.isdir(folder):
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return os.path.join(folder, package.top)


def fetch(path: str, sha256: str, into: str) -> None:
    """Downloads `path` of the distribution's main archive, by apt and its settings, and checks it."""
    for site in packages.archives():
        result = subprocess.run([APT_HELPER, "download-file", site + path, into, "SHA256:" + sha256], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode == 0:
            return
    raise CommandError(f"apt cannot fetch {path}\n{result.stdout.strip()}")


if __name__ == "__main__":
    try:
        print(folder_of(sys.argv[1]))
    except CommandError as error:
        sys.exit(str(error))
