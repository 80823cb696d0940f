"""The root file system that programs see when --rootfs names none: busybox from Debian's package, and a bare /etc."""
from __future__ import annotations

import os

from astrata import cpio, packages, paths
from astrata.architectures import ARCHITECTURES

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/profile": "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
    "etc/hostname": "astrata\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/shells": "/bin/sh\n/bin/ash\n",
}
# Mount points and what programs expect to be able to write to.
FOLDERS = {"bin": 0o755, "dev": 0o755, "etc": 0o755, "mnt": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755,
           "sbin": 0o755, "sys": 0o555, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755,
           "var": 0o755, "var/log": 0o755, "var/tmp": 0o1777}


def busybox_path(target: str = "x86_64") -> str:
    """A static busybox for the target: the host's if that is a host's architecture and busybox-static is installed, else from the
    package, unpacked in the cache.

    The package itself is not installed: it would remove a dynamically linked busybox that the host may depend on.
    """
    import glob
    import subprocess

    entry = ARCHITECTURES[target]
    foreign = () if entry.is_native else (entry.debian_name, entry.release)
    for installed in () if foreign else ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(installed) and not packages.not_installed(["busybox-static"]):
            return installed
    folder = os.path.join(paths.cache(), "-".join(["busybox-static", *foreign]))
    unpacked = os.path.join(folder, "unpacked")
    found = glob.glob(unpacked + "/bin/busybox") + glob.glob(unpacked + "/usr/bin/busybox")
    if not found:
        os.makedirs(folder, exist_ok=True)
        package = packages.download_foreign("busybox-static", folder, *foreign) if foreign else packages.download("busybox-static", folder)
        temporary = f"{unpacked}.{os.getpid()}"
        subprocess.run(["dpkg-deb", "-x", package, temporary], check=True)
        if not os.path.exists(unpacked):
            os.rename(temporary, unpacked)
        found = glob.glob(unpacked + "/bin/busybox") + glob.glob(unpacked + "/usr/bin/busybox")
    return found[0]


def applets(busybox: str, program: bytes) -> list[str]:
    """Paths of the links that this busybox, whose contents are `program`, wants, such as `sbin/ifconfig`."""
    import subprocess

    if busybox != busybox_path():
        # It does not run here, but names its applets, and where they belong is the same everywhere.
        with open(busybox_path(), "rb") as file:
            known = applets(busybox_path(), file.read())
        return [path for path in known if b"\0" + os.path.basename(path).encode() + b"\0" in program]
    listed = subprocess.run([busybox, "--list-full"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return [path for path in listed if path.count("/") >= 1 and not path.endswith("/busybox")]


def entries(busybox: str, prefix: str = "root") -> list[cpio.Entry]:
    """Archive members of the built-in root file system below `prefix`."""
    with open(busybox, "rb") as file:
        program = file.read()
    links = applets(busybox, program)
    folders = dict(FOLDERS)
    for link in links:
        parts = link.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folders.setdefault("/".join(parts[:depth]), 0o755)
    result = [cpio.directory(prefix)]
    result += [cpio.directory(f"{prefix}/{path}", mode) for path, mode in sorted(folders.items())]
    result += [cpio.file(f"{prefix}/{path}", text.encode()) for path, text in sorted(FILES.items())]
    result.append(cpio.file(f"{prefix}/bin/busybox", program, 0o755))
    result += [cpio.symlink(f"{prefix}/{path}", "/bin/busybox") for path in sorted(set(links))]
    return result
