"""What scenarios are written with: run commands in the system through ./astrata run, talk to its console, look from outside.

    @scenario("run.exit_status")
    def exit_status():
        run("sh", "-c", "exit 7").check(status=7)
"""
from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ASTRATA = os.path.join(ROOT, "astrata")
PROMPT = ">>> "
SCENARIOS: dict[str, "Scenario"] = {}
if os.path.join(ROOT, "tools") not in sys.path:
    sys.path.insert(0, os.path.join(ROOT, "tools"))
from astrata import architectures, machine  # noqa: E402  (found by the path above)

# What scenarios run on: ./astrata run takes it from the same place.
ARCHITECTURE = architectures.default()
# Its machines; the one with everything that the others have, PCI too, is the last.
MACHINES = architectures.ARCHITECTURES[ARCHITECTURE].machines
FULL_MACHINE = ("--machine", MACHINES[-1])
EMULATOR = machine.emulator(architectures.ARCHITECTURES[ARCHITECTURE])
os.environ.setdefault("ASTRATA_TEST_STRATES", "1")


class Failure(AssertionError):
    """Something was not as expected; the text shows both."""


class Scenario:
    def __init__(self, name, function, timeout, only):
        self.name, self.function, self.timeout, self.only = name, function, timeout, only


def scenario(name: str, timeout: float = 120, only: tuple[str, ...] = ()):
    """Registers a function as the scenario `area.name`, which must end within `timeout` seconds. `only` names the architectures
    that it is about, if that is not any."""
    if not re.fullmatch(r"[a-z0-9_-]+\.[a-z0-9_.-]+", name) or name in SCENARIOS:
        raise ValueError(f"not a new name of the form area.name: {name}")

    def register(function):
        SCENARIOS[name] = Scenario(name, function, timeout, only)
        return function

    return register


def execute(entry: Scenario) -> int:
    """Runs a scenario in this process; returns 0 if it passed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="astrata-scenario-") as folder:
        os.chdir(folder)
        try:
            entry.function()
        except Failure as failure:
            where = traceback.extract_tb(failure.__traceback__)
            lines = [f"{os.path.basename(step.filename)}:{step.lineno}: {step.line}" for step in where[1:]]
            print("\n".join([*lines, str(failure)]))
            return 1
        except Exception:  # a mistake in the scenario is a failure too, with its traceback in the log
            traceback.print_exc()
            return 1
        finally:
            os.chdir("/")
    print(f"passed in {time.monotonic() - started:.1f} s")
    return 0


def expect(condition, text: str) -> None:
    """Fails with `text` unless `condition` holds."""
    if not condition:
        raise Failure(text)


def shorten(data: bytes, limit: int = 4000) -> str:
    text = data.decode("utf-8", "replace")
    return text if len(text) <= limit else f"{text[:limit // 2]}\n... ({len(text)} characters)\n{text[-limit // 2:]}"


class Result:
    """What a finished run left: its streams and its exit status."""

    def __init__(self, words, stdout: bytes, stderr: bytes, status: int, seconds: float):
        self.words, self.stdout, self.stderr, self.status, self.seconds = words, stdout, stderr, status, seconds

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "replace")

    def check(self, status: int = 0, stdout: bytes | str | None = None, contains: str | None = None,
              matches: str | None = None, stderr: str | None = None) -> "Result":
        """Fails unless everything named is as it should be. `stderr` is a text to be found in it."""
        wrong = []
        if self.status != status:
            wrong.append(f"exit status {self.status}, expected {status}")
        if stdout is not None and self.stdout != (stdout.encode() if isinstance(stdout, str) else stdout):
            wrong.append(f"stdout is not {stdout!r}")
        if contains is not None and contains not in self.text:
            wrong.append(f"stdout does not contain {contains!r}")
        if matches is not None and not re.search(matches, self.text, re.MULTILINE):
            wrong.append(f"stdout does not match {matches!r}")
        if stderr is not None and stderr not in self.stderr.decode("utf-8", "replace"):
            wrong.append(f"stderr does not contain {stderr!r}")
        if wrong:
            raise Failure("\n".join([" ".join(map(str, self.words)), *wrong, "--- stdout", shorten(self.stdout),
                                     "--- stderr", shorten(self.stderr)]))
        return self


def run(*command: str, options: tuple[str, ...] | list[str] = (), stdin: bytes | None = None,
        timeout: float = 60) -> Result:
    """`./astrata run OPTIONS -- COMMAND`, to its end."""
    words = [ASTRATA, "run", *options, "--", *command]
    started = time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        stdout, stderr = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise Failure(f"{' '.join(words[1:])}\nno end after {timeout} s\n--- stdout\n{shorten(stdout)}\n"
                      f"--- stderr\n{shorten(stderr)}") from None
    return Result(words[1:], stdout, stderr, process.returncode, time.monotonic() - started)


def start(*words: str, **options) -> subprocess.Popen:
    """`./astrata WORDS...` in the background, its streams as pipes."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([ASTRATA, *words], **{**streams, **options})


ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])|\r")


class Terminal:
    """A program on a pseudo terminal, as a person would see it. Use as a context manager; the end kills what is left."""

    def __init__(self, *words: str, columns: int = 100, rows: int = 30):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def own_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([ASTRATA, *words], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
                                        start_new_session=True, preexec_fn=own_terminal,
                                        env={**os.environ, "TERM": "xterm"})
        os.close(theirs)
        self._raw = b""
        self._seen = 0  # how much of the plain text has been matched

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stderr.close()
        os.close(self._ours)

    @property
    def text(self) -> str:
        """Everything shown so far, without escape sequences and carriage returns."""
        return ESCAPES.sub("", self._raw.decode("utf-8", "replace"))

    def send(self, keys: str | bytes) -> None:
        os.write(self._ours, keys.encode() if isinstance(keys, str) else keys)

    def expect(self, pattern: str, timeout: float = 30) -> re.Match:
        """Waits until `pattern` (a regular expression) shows after what was matched before."""
        compiled = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        while True:
            found = compiled.search(self.text, self._seen)
            if found:
                self._seen = found.end()
                return found
            if not self._read(deadline):
                raise Failure(f"{pattern!r} did not show within {timeout} s; what showed after the last match:\n"
                              f"{self.text[self._seen:]}")

    def command(self, line: str, timeout: float = 30) -> str:
        """Types a line at the prompt and returns what it printed before the next prompt."""
        start_at = self._seen
        self.send(line + "\r")
        self.expect(re.escape(line[-30:]), timeout)
        self.expect(r"^" + re.escape(PROMPT), timeout)
        shown = self.text[start_at : self._seen - len(PROMPT)]
        return shown.split("\n", 1)[1] if "\n" in shown else ""

    def until(self, line: str, text: str, timeout: float = 30) -> str:
        """Types a line again and again until what it prints contains `text`, and returns that."""
        deadline = time.monotonic() + timeout
        while True:
            printed = self.command(line)
            if text in printed:
                return printed
            if time.monotonic() > deadline:
                raise Failure(f"{line}: {text!r} did not show within {timeout} s; the last output:\n{printed}")
            time.sleep(0.05)

    def wait(self, timeout: float = 30) -> int:
        """Exit status of the program, once it ends."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            if not self._read(deadline) and time.monotonic() >= deadline:
                raise Failure(f"no end after {timeout} s; the screen:\n{self.text[-2000:]}")
        return self.process.returncode

    def _read(self, deadline: float) -> bool:
        """Takes in what shows next; False at the deadline or the program's end."""
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            ready, _, _ = select.select([self._ours], [], [], min(remaining, 0.2))
            if ready:
                try:
                    data = os.read(self._ours, 1 << 16)
                except OSError:
                    return False
                self._raw += data
                return bool(data)
            if self.process.poll() is not None:
                return False


def chevron(*options: str) -> Terminal:
    """A console with Chevron's first prompt on it."""
    console = Terminal("run", *options)
    console.expect(r"^" + re.escape(PROMPT), 60)
    return console


def write_file(path: str, data: bytes | str, mode: int = 0o644) -> str:
    """Writes a file below the scenario's own folder; returns its path."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
    os.chmod(path, mode)
    return path


def copy_busybox(path: str) -> str:
    """A copy of the static busybox that the built-in root file system has, whichever package it came from."""
    from astrata import built_in_root

    with open(built_in_root.busybox_path(ARCHITECTURE), "rb") as file:
        return write_file(path, file.read(), 0o755)


def compile_static(path: str, source: str, libc: str = "glibc", pie: bool = False, flags: tuple[str, ...] = ()) -> str:
    """A static Linux program from C source, position-independent or not: by the host's clang with glibc or musl, for another
    architecture by its cross compiler, which has glibc only."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    common = ["clang-22", "-O1", "-D_GNU_SOURCE", "-x", "c", "-", "-o", path, "-pthread", *flags]
    if not architectures.ARCHITECTURES[ARCHITECTURE].is_native:
        # Not every glibc has what position-independent static programs begin with.
        compiler = f"{ARCHITECTURE}-linux-gnu-gcc"
        start = subprocess.run([compiler, "-print-file-name=rcrt1.o"], stdout=subprocess.PIPE, text=True, check=True).stdout
        words = [compiler, *common[1:], *(["-static-pie", "-fPIE"] if pie and "/" in start else ["-static"])]
    elif libc == "glibc":
        words = common + (["-static-pie", "-fPIE"] if pie else ["-static"])
    else:
        words = musl_words(common, pie)
    done = subprocess.run(words, input=source.encode(), stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}\n{shorten(done.stderr)}")
    return path


def musl_words(common: list[str], pie: bool) -> list[str]:
    folder = "/usr/lib/x86_64-linux-musl"
    crt = [f"{folder}/{'rcrt1.o' if pie else 'crt1.o'}", f"{folder}/crti.o"]
    words = common[:1] + ["--target=x86_64-linux-gnu", "-nostdinc", "-isystem", "/usr/include/x86_64-linux-musl",
                          "-isystem", resource_headers()] + common[1:]
    return words + ["-static-pie" if pie else "-static", "-fPIE" if pie else "-fno-PIE", "-nostdlib", "-fuse-ld=lld",
                    "-x", "none", *crt, "-Wl,--start-group", f"{folder}/libc.a", "-lgcc", "-lgcc_eh", "-Wl,--end-group",
                    f"{folder}/crtn.o"]


def resource_headers() -> str:
    found = subprocess.run(["clang-22", "-print-resource-dir"], stdout=subprocess.PIPE, text=True, check=True)
    return found.stdout.strip() + "/include"


def make_ext4(path: str, folder: str, size: str = "128M", options: tuple[str, ...] = ()) -> str:
    """An ext4 image of a folder by the stock mke2fs with its default features."""
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", *(() if "-t" in options else ("-t", "ext4")), *options, "-d", folder, path, size], check=True,
                   stdout=subprocess.DEVNULL)
    return path
