"""Prepared root file system images, kept by the fingerprint of what they were made from, least recently used go first."""
from __future__ import annotations

import json
import os

from astrata import paths
from astrata.locks import file_lock

LIMIT = 8 << 30


class ImageCache:
    """A folder of `KEY.ext4` images with `KEY.json` settings beside them."""

    def __init__(self, folder: str | None = None, limit: int = LIMIT):
        self.folder = folder or os.path.join(paths.cache(), "root-images")
        self.limit = limit
        os.makedirs(self.folder, exist_ok=True)

    def open(self, key: str) -> tuple[int, dict] | None:
        """Descriptor and settings of a kept image. Once open it stays usable, even if another run drops it."""
        image = self._path(key, "ext4")
        try:
            descriptor = os.open(image, os.O_RDONLY | os.O_CLOEXEC)
            with open(self._path(key, "json"), encoding="utf-8") as file:
                settings = json.load(file)
            os.utime(image)
            return descriptor, settings
        except (OSError, ValueError):
            return None

    def keep(self, key: str, image: str, settings: dict) -> None:
        """Takes over a finished image (moved, so it must be on the same file system) and drops the oldest if needed."""
        with file_lock(os.path.join(self.folder, "lock")):
            with open(self._path(key, "json"), "w", encoding="utf-8") as file:
                json.dump(settings, file)
            os.replace(image, self._path(key, "ext4"))
            self._shrink(key)

    def _shrink(self, newest: str) -> None:
        images = []
        for name in os.listdir(self.folder):
            key, extension = os.path.splitext(name)
            if extension == ".ext4":
                status = os.stat(os.path.join(self.folder, name))
                images.append((status.st_mtime_ns, status.st_blocks * 512, key))
        total = sum(size for _, size, _ in images)
        for _, size, key in sorted(images):
            if total <= self.limit or key == newest:
                break
            os.unlink(self._path(key, "ext4"))
            os.unlink(self._path(key, "json"))
            total -= size

    def _path(self, key: str, extension: str) -> str:
        return os.path.join(self.folder, f"{key}.{extension}")
