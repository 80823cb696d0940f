"""A build folder that counts as fresh, so that ./astrata starts the test double instead of building."""
from __future__ import annotations

import os
import subprocess
import tempfile

from astrata import fingerprint, paths

FAKE_QEMU = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_qemu.py")


class FakeBuild:
    """Context manager; `run` starts ./astrata on the test double."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        folder = os.path.join(self._folder.name, "x86_64")
        os.makedirs(os.path.join(folder, "kernel"))
        for name in ("kernel/bedrock.elf", "boot.archive", "test.archive"):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"\x7fELF")
        with open(os.path.join(folder, "built-from"), "w", encoding="utf-8") as file:
            file.write(fingerprint.of_sources())
        self.arguments_file = os.path.join(self._folder.name, "arguments")
        self.environment = {**os.environ, "ASTRATA_BUILD": self._folder.name, "ASTRATA_QEMU": FAKE_QEMU,
                            "FAKE_QEMU_ARGUMENTS": self.arguments_file}
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def start(self, *words: str, **options) -> subprocess.Popen:
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([paths.ENTRY, *words], env=self.environment, **options)

    def run(self, *words: str, input: bytes | None = None) -> subprocess.CompletedProcess:
        options = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        return subprocess.run([paths.ENTRY, *words], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False, **options)

    def qemu_arguments(self) -> list[str]:
        with open(self.arguments_file, encoding="utf-8") as file:
            return file.read().split("\n")
