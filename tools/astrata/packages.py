"""Debian packages that the host needs, installed on first use: asking nothing, saying what is installed."""
from __future__ import annotations

import os

from astrata import paths
from astrata.errors import CommandError
from astrata.messages import say

GROUPS = {
    "build": ["clang-22", "lld-22", "llvm-22", "libc++-22-dev", "cmake", "ninja-build", "ccache"],
    "run": ["qemu-system-x86", "seabios"],
    "run-aarch64": ["qemu-system-arm", "debian-archive-keyring"],
    "run-riscv64": ["qemu-system-misc", "opensbi", "debian-archive-keyring"],
    "root-file-system": ["e2fsprogs", "fakeroot"],
    "unit-tests": ["libclang-rt-22-dev", "libfuzzer-22-dev", "googletest"],
    "scenarios": ["e2fsprogs", "fakeroot", "musl-dev", "ovmf", "procps", "gdb"],
    "scenarios-aarch64": ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "gdb-multiarch"],
    "scenarios-riscv64": ["gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross", "gdb-multiarch"],
    "models": ["spin", "gcc", "libc6-dev"],
    "image": ["grub-pc-bin", "grub-efi-amd64-bin", "grub-common", "xorriso", "mtools"],
    "bench": ["e2fsprogs", "fakeroot", "lz4", "xz-utils", "zstd"],
    "gdb": ["gdb"],
    "gdb-multiarch": ["gdb-multiarch"],
    "format": ["clang-format-22"],
    "tidy": ["clang-tidy-22"],
}

DPKG_STATUS = "/var/lib/dpkg/status"


def ensure(*groups: str) -> None:
    """Returns once every package of `groups` is installed; costs microseconds when a former run has seen to it."""
    state = _database_state()
    missing_stamp = [group for group in groups if _read(_stamp(group)) != _stamp_text(group, state)]
    if not missing_stamp:
        return
    wanted = sorted({package for group in missing_stamp for package in GROUPS[group]})
    missing = not_installed(wanted)
    if missing:
        install(missing)
        state = _database_state()
    for group in missing_stamp:
        _write(_stamp(group), _stamp_text(group, state))


def not_installed(packages: list[str]) -> list[str]:
    """Those of `packages` that dpkg does not report as installed."""
    import subprocess

    found = subprocess.run(
        ["dpkg-query", "-W", "-f=${binary:Package} ${db:Status-Status}\n", *packages],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
    ).stdout.splitlines()
    installed = {line.split()[0].split(":")[0] for line in found if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def install(packages: list[str]) -> None:
    """Installs through apt-get, as root or through sudo; a CommandError says what apt could not do."""
    import subprocess

    say("installing " + " ".join(packages))
    prefix = as_root("apt-get install --no-install-recommends " + " ".join(packages))
    environment = prefix + ["env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=l"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # Waiting for the lock lets two first runs at once take turns. A list that cannot be updated (a third-party source
    # that is down) matters only if the packages are not found then.
    lock = ["-o", "DPkg::Lock::Timeout=600"]
    update = subprocess.run(environment + ["apt-get", *lock, "update"], check=False, **quiet)
    unknown = [package for package in packages if not _has_candidate(package)]
    if unknown:
        raise CommandError(_unavailable(unknown, update.stdout))
    command = environment + ["apt-get", *lock, "install", "-y", "-q", "--no-install-recommends", *packages]
    result = subprocess.run(command, check=False, **quiet)
    if result.returncode != 0:
        lines = [line for line in result.stdout.splitlines() if line.strip()][-8:]
        raise CommandError("apt-get could not install " + " ".join(packages) + "\n" + "\n".join(lines))


def download(package: str, folder: str) -> str:
    """Fetches a package's .deb into `folder` without installing it; returns its path."""
    import subprocess

    os.makedirs(folder, exist_ok=True)
    if not _has_candidate(package):
        subprocess.run(as_root("apt-get update") + ["apt-get", "update"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    # apt's own download user may not be allowed to write here; root then fetches unsandboxed, with a mere notice.
    result = subprocess.run(["apt-get", "download", "-q", package], cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = sorted(name for name in os.listdir(folder) if name.startswith(package + "_") and name.endswith(".deb"))
    if result.returncode != 0 or not found:
        raise CommandError(f"apt-get could not download {package}\n{result.stdout.strip()}")
    return os.path.join(folder, found[-1])


def download_foreign(package: str, folder: str, architecture: str, release: str) -> str:
    """The same for another architecture and release, from the archive that the host uses: apt keeps the lists it needs for that below
    `folder`, checked by Debian's keys, and the host's own lists do not change."""
    import subprocess

    state = os.path.join(folder, "apt")
    for place in ("lists/partial", "archives/partial", "preferences.d", "empty"):
        os.makedirs(os.path.join(state, place), exist_ok=True)
    sources = os.path.join(state, "sources.list")
    _write(sources, f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {archives()[0]} {release} main\n")
    _write(os.path.join(state, "status"), "")
    options = [f"Dir::State={state}", f"Dir::State::status={state}/status", f"Dir::Cache={state}", f"Dir::Etc::sourcelist={sources}",
               f"Dir::Etc::sourceparts={state}/empty", f"Dir::Etc::preferencesparts={state}/empty", "Dir::Etc::preferences=/dev/null",
               f"APT::Architecture={architecture}", f"APT::Architectures={architecture}", "APT::Default-Release=",
               "Acquire::Languages=none", "APT::Sandbox::User=root"]
    say(f"fetching {package} for {architecture}")
    for command in (["update", "-q"], ["download", "-q", package]):
        result = subprocess.run(["apt-get", *(word for option in options for word in ("-o", option)), *command], cwd=folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode != 0:
            raise CommandError(f"apt-get could not fetch {package} for {architecture} from Debian's {release}\n{result.stdout.strip()}")
    found = sorted(name for name in os.listdir(folder) if name.startswith(package + "_") and name.endswith(".deb"))
    return os.path.join(folder, found[-1])


def archives() -> list[str]:
    """Roots of the distribution's archives that apt knows, the main one first; never empty."""
    import subprocess

    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                           check=False).stdout.splitlines()
    found = {}
    for line in lines:
        site, _, rest = line.partition(" ")
        if rest.startswith("Debian "):
            found[site] = min(found.get(site, 2), 1 if rest == "Debian Debian" else 2)
    if not found:
        raise CommandError("apt knows no archive of Debian: is there one in /etc/apt/sources.list.d?")
    return sorted(found, key=found.get)


def as_root(wish: str) -> list[str]:
    """The words to put before a command that needs root; `wish` is what to tell someone who has no way to get it."""
    import shutil

    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise CommandError(f"neither root nor sudo here; as root, run: {wish}")


def _has_candidate(package: str) -> bool:
    import subprocess

    text = subprocess.run(["apt-cache", "policy", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False).stdout
    return any(line.strip().startswith("Candidate:") and "(none)" not in line for line in text.splitlines())


def _unavailable(unknown: list[str], update_output: str) -> str:
    text = "apt knows no package " + ", ".join(unknown)
    if any("22" in package for package in unknown):
        text += "; LLVM 22 is in bookworm-security for Debian 12 and in trixie-updates, trixie-security or" \
                " trixie-backports for Debian 13: is that in /etc/apt/sources.list.d?"
    problems = [line for line in update_output.splitlines() if line.startswith(("E:", "W:"))][:3]
    return "\n".join([text, *problems])


def _database_state() -> str:
    """Changes whenever dpkg installs or removes anything."""
    try:
        status = os.stat(DPKG_STATUS)
    except OSError as error:
        raise CommandError("this is not Debian: there is no " + DPKG_STATUS) from error
    return f"{status.st_dev} {status.st_ino} {status.st_mtime_ns} {status.st_size}"


def _stamp(group: str) -> str:
    return os.path.join(paths.cache(), "host-packages", group)


def _stamp_text(group: str, state: str) -> str:
    return state + "\n" + " ".join(GROUPS[group]) + "\n"


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
