"""Unpacks a tar, or the layers of an OCI or docker archive, into a folder that stands for the root.

Nothing in an archive can reach outside that folder: names are resolved one component at a time, and a symbolic link on
the way is followed as the guest would follow it, with the folder as its root.
"""
from __future__ import annotations

import json
import os
import stat
import tarfile

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
MAXIMUM_LINKS = 40


class ArchiveError(ValueError):
    """The archive is damaged or of a kind that cannot be used."""


def unpack(path: str, root: str, architecture: str = "amd64") -> dict:
    """Unpacks the archive into `root`, of several images the one for `architecture`; returns its settings: {"environment": {...}, "directory": "/..."}."""
    try:
        with tarfile.open(path) as archive:
            layers, config = _layers(archive, architecture)
            if layers is None:
                _apply(archive, root, whiteouts=False)
            else:
                for name in layers:
                    with _member(archive, name) as data, tarfile.open(fileobj=data) as layer:
                        _apply(layer, root, whiteouts=True)
    except (tarfile.TarError, EOFError, OSError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ArchiveError(f"damaged or unsupported archive: {error}") from error
    return _settings(config)


def _settings(config: dict) -> dict:
    environment = dict(entry.split("=", 1) for entry in config.get("Env") or [] if "=" in entry)
    return {"environment": environment, "directory": config.get("WorkingDir") or "/"}


def _layers(archive: tarfile.TarFile, architecture: str) -> tuple[list[str] | None, dict]:
    """Names of the layers in order and the image's config; (None, {}) for a plain tar."""
    names = {os.path.normpath(name) for name in archive.getnames()}
    if {"bin", "etc", "usr", "sbin"} & names:
        return None, {}  # a root file system, whatever else it holds
    if {"index.json", "oci-layout"} <= names:
        return _oci_layers(archive, architecture)
    if "manifest.json" in names:
        return _docker_layers(archive)
    return None, {}


def _docker_layers(archive: tarfile.TarFile) -> tuple[list[str], dict]:
    manifest = _json(archive, "manifest.json")[0]
    return list(manifest["Layers"]), _json(archive, manifest["Config"]).get("config") or {}


def _oci_layers(archive: tarfile.TarFile, architecture: str) -> tuple[list[str], dict]:
    document = _json(archive, "index.json")
    while "manifests" in document:  # an index may name further indices; take the first for the architecture
        usable = [entry for entry in document["manifests"]
                  if (entry.get("platform") or {}).get("architecture", architecture) == architecture]
        if not usable:
            raise ArchiveError(f"no image for {architecture} in it")
        document = _json(archive, _blob(usable[0]))
    config = _json(archive, _blob(document["config"])).get("config") or {}
    return [_blob(layer) for layer in document["layers"]], config


def _blob(descriptor: dict) -> str:
    algorithm, _, digest = descriptor["digest"].partition(":")
    return f"blobs/{algorithm}/{digest}"


def _member(archive: tarfile.TarFile, name: str):
    for spelling in (name, "./" + name):
        try:
            data = archive.extractfile(spelling)
        except KeyError:
            continue
        if data is not None:
            return data
    raise ArchiveError(f"{name} is missing in it")


def _json(archive: tarfile.TarFile, name: str):
    with _member(archive, name) as data:
        return json.loads(data.read())


def resolve(root: str, name: str) -> str:
    """Path below `root` for a member's name. Links in its folders are followed inside the root; the last is not."""
    done: list[str] = []
    todo = [part for part in name.split("/") if part not in ("", ".")]
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            done = done[:-1]
            continue
        path = os.path.join(root, *done, part)
        if todo and os.path.islink(path):
            links += 1
            if links > MAXIMUM_LINKS:
                raise ArchiveError(f"{name}: too many symbolic links")
            target = os.readlink(path)
            if target.startswith("/"):
                done = []
            todo = [step for step in target.split("/") if step not in ("", ".")] + todo
            continue
        done.append(part)
    return os.path.join(root, *done)


def _apply(layer: tarfile.TarFile, root: str, whiteouts: bool) -> None:
    folders: list[tuple[str, tarfile.TarInfo]] = []
    placed: set[str] = set()  # what this layer brought; an opaque mark hides only what was below
    for member in layer:
        folder, _, base = member.name.rstrip("/").rpartition("/")
        if whiteouts and base == OPAQUE:
            _hide_all(resolve(root, folder + "/."), placed)
        elif whiteouts and base.startswith(WHITEOUT):
            _remove(resolve(root, f"{folder}/{base[len(WHITEOUT):]}"))
        else:
            path = resolve(root, member.name)
            if path != root:
                _place(layer, member, root, path)
                placed.add(path)
            if member.isdir():
                folders.append((path, member))
    # Modes and times of folders come last: a folder may not be writable, and filling it changes its time.
    for path, member in reversed(folders):
        if os.path.isdir(path) and not os.path.islink(path):
            os.chown(path, member.uid, member.gid)
            os.chmod(path, member.mode & 0o7777)
            os.utime(path, (member.mtime, member.mtime))


def _place(layer: tarfile.TarFile, member: tarfile.TarInfo, root: str, path: str) -> None:
    _make_folders(root, os.path.dirname(path))
    if member.isdir():
        if os.path.islink(path) or not os.path.isdir(path):
            _remove(path)
            os.mkdir(path, 0o700)
        return
    _remove(path)
    if member.issym():
        os.symlink(member.linkname, path)
        os.lchown(path, member.uid, member.gid)
        return
    if member.islnk():
        os.link(resolve(root, member.linkname), path, follow_symlinks=False)
        return
    if member.isreg():
        _write_file(layer, member, path)
    elif member.isfifo():
        os.mkfifo(path)
    elif member.ischr() or member.isblk():
        kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
        os.mknod(path, kind | 0o600, os.makedev(member.devmajor, member.devminor))
    else:
        return  # a kind of member that is no file
    os.chown(path, member.uid, member.gid)
    os.chmod(path, member.mode & 0o7777)
    os.utime(path, (member.mtime, member.mtime))


def _write_file(layer: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    source = layer.extractfile(member)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        while chunk := source.read(1 << 20):
            if chunk.count(0) == len(chunk):
                output.seek(len(chunk), os.SEEK_CUR)  # keep holes
            else:
                output.write(chunk)
        output.truncate(member.size)


def _make_folders(root: str, folder: str) -> None:
    """Creates what is missing between the root and `folder`, replacing what is no folder."""
    path = root
    for part in os.path.relpath(folder, root).split("/"):
        if part == ".":
            continue
        path = os.path.join(path, part)
        if not os.path.isdir(path):
            _remove(path)
            os.mkdir(path, 0o755)


def _hide_all(folder: str, placed: set[str]) -> None:
    if not os.path.isdir(folder) or os.path.islink(folder):
        return
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if path in placed or any(other.startswith(path + "/") for other in placed):
            _hide_all(path, placed)
        else:
            _remove(path)


def _remove(path: str) -> None:
    """Removes a file or a whole tree, if there is one."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            for name in os.listdir(path):
                _remove(os.path.join(path, name))
            os.rmdir(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        pass
