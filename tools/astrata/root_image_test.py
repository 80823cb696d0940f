"""--rootfs preparation, with e2fsprogs' debugfs and e2fsck as witnesses for what is in the image."""
import gzip
import io
import json
import os
import subprocess
import tarfile
import tempfile
import unittest
from unittest import mock

from astrata import image_cache, root_image, unpack
from astrata.errors import CommandError, UsageError


def tar_bytes(members, compress=False):
    """A tar of (name, kind, data-or-target, extra) members."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, kind, value, *extra in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, 0o644
            for field, setting in (extra[0] if extra else {}).items():
                setattr(info, field, setting)
            if kind == tarfile.REGTYPE:
                info.size = len(value)
                archive.addfile(info, io.BytesIO(value))
            else:
                info.linkname = value
                archive.addfile(info)
    return gzip.compress(output.getvalue()) if compress else output.getvalue()


FILE, LINK, HARD, FOLDER, DEVICE = (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE)


class FolderCase(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.addCleanup(self.holder.cleanup)
        self.folder = self.holder.name
        patch = mock.patch.dict(os.environ, {"XDG_CACHE_HOME": os.path.join(self.folder, "cache")})
        patch.start()
        self.addCleanup(patch.stop)
        silence = mock.patch.object(root_image, "say")
        self.said = silence.start()
        self.addCleanup(silence.stop)

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def debugfs(self, image, request):
        return subprocess.run(["/usr/sbin/debugfs", "-R", request, f"/proc/self/fd/{image.descriptor}"],
                              pass_fds=[image.descriptor], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=True).stdout

    def check_clean(self, image):
        result = subprocess.run(["/usr/sbin/e2fsck", "-fn", f"/proc/self/fd/{image.descriptor}"],
                                pass_fds=[image.descriptor], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(result.returncode, 0, result.stdout)


class RootImageTest(FolderCase):
    def test_folder_becomes_a_clean_image(self):
        self.write("tree/etc/greeting", b"hello\n")
        self.write("tree/big", os.urandom(3 << 20))
        os.symlink("big", os.path.join(self.folder, "tree/link"))
        image = root_image.prepare(os.path.join(self.folder, "tree"))
        self.check_clean(image)
        self.assertEqual(self.debugfs(image, "cat /etc/greeting"), b"hello\n")
        self.assertIn(b'Fast link dest: "big"', self.debugfs(image, "stat /link"))

    def test_image_is_kept_until_something_changes(self):
        path = self.write("tree/file", b"one")
        tree = os.path.join(self.folder, "tree")
        root_image.prepare(tree)
        root_image.prepare(tree)
        self.assertEqual(self.said.call_count, 1)
        with open(path, "wb") as file:
            file.write(b"two")
        image = root_image.prepare(tree)
        self.assertEqual(self.said.call_count, 2)
        self.assertEqual(self.debugfs(image, "cat /file"), b"two")

    def test_archive_keeps_owners_and_devices(self):
        path = self.write("root.tar", tar_bytes([
            ("etc", FOLDER, "", {"mode": 0o755}), ("etc/shadow", FILE, b"secret", {"mode": 0o640, "uid": 0, "gid": 42}),
            ("home/user/file", FILE, b"x", {"uid": 1000, "gid": 1001}),
            ("dev/null", DEVICE, "", {"devmajor": 1, "devminor": 3, "mode": 0o666})]))
        image = root_image.prepare(path)
        self.check_clean(image)
        self.assertRegex(self.debugfs(image, "stat /etc/shadow"), rb"Mode:\s+0640(.|\n)*User:\s+0\s+Group:\s+42")
        self.assertRegex(self.debugfs(image, "stat /home/user/file"), rb"User:\s+1000\s+Group:\s+1001")
        self.assertRegex(self.debugfs(image, "stat /dev/null"), rb"character special(.|\n)*01:03")

    def test_kind_is_told_by_content(self):
        self.assertEqual(root_image.kind_of(self.write("a.ext4", tar_bytes([("x", FILE, b"")]))), "archive")
        image = os.path.join(self.folder, "image.tar")
        subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", image, "4M"], check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(root_image.kind_of(image), "ext4")

    def test_what_is_nothing_of_these_is_one_line(self):
        for path in (self.write("text", b"hello"), self.write("empty", b""), "/nonexistent", "/dev/null"):
            with self.assertRaises(UsageError) as caught:
                root_image.prepare(path)
            self.assertNotIn("\n", str(caught.exception))

    def test_a_damaged_archive_is_one_line(self):
        data = tar_bytes([("a", FILE, b"x" * 100000), ("b", FILE, b"y" * 100000)])
        for bad in (data[:50000], gzip.compress(data)[:-20]):
            with self.assertRaises((UsageError, CommandError)) as caught:
                root_image.prepare(self.write("bad.tar", bad))
            self.assertNotIn("\n", str(caught.exception))


class LayerTest(FolderCase):
    layers = [
        [("bin", LINK, "usr/bin"), ("usr/bin/tool", FILE, b"old"), ("etc/gone", FILE, b"x"), ("var/a", FILE, b"1"),
         ("var/b", FILE, b"2")],
        [("bin/tool", FILE, b"new"), ("etc/.wh.gone", FILE, b""), ("var/c", FILE, b"3"), ("var/.wh..wh..opq", FILE, b"")],
    ]

    def setUp(self):
        super().setUp()
        # Owners need privileges, which the real thing has from fakeroot.
        for name in ("chown", "lchown"):
            patch = mock.patch.object(os, name)
            patch.start()
            self.addCleanup(patch.stop)

    def check_unpacked(self, root):
        with open(os.path.join(root, "usr/bin/tool"), "rb") as file:
            self.assertEqual(file.read(), b"new")
        self.assertTrue(os.path.islink(os.path.join(root, "bin")))
        self.assertEqual(os.listdir(os.path.join(root, "etc")), [])
        self.assertEqual(os.listdir(os.path.join(root, "var")), ["c"])

    def unpack(self, members, architecture="amd64"):
        path = self.write("image.tar", tar_bytes(members))
        root = os.path.join(self.folder, "root")
        os.makedirs(root, exist_ok=True)
        return unpack.unpack(path, root, architecture), root

    def test_docker_archive(self):
        config = {"config": {"Env": ["A=1", "PATH=/x"], "WorkingDir": "/srv"}}
        settings, root = self.unpack([
            ("manifest.json", FILE, json.dumps([{"Config": "c.json", "Layers": ["0/layer.tar", "1/layer.tar"]}]).encode()),
            ("c.json", FILE, json.dumps(config).encode()),
            ("0/layer.tar", FILE, tar_bytes(self.layers[0])), ("1/layer.tar", FILE, tar_bytes(self.layers[1], True))])
        self.check_unpacked(root)
        self.assertEqual(settings, {"environment": {"A": "1", "PATH": "/x"}, "directory": "/srv"})

    def test_oci_archive(self):
        manifest = {"config": {"digest": "sha256:cc"}, "layers": [{"digest": "sha256:00"}, {"digest": "sha256:11"}]}
        index = {"manifests": [{"digest": "sha256:aa", "platform": {"architecture": "arm64"}},
                               {"digest": "sha256:bb", "platform": {"architecture": "amd64"}}]}
        members = [
            ("oci-layout", FILE, b"{}"), ("index.json", FILE, json.dumps(index).encode()),
            ("blobs/sha256/bb", FILE, json.dumps(manifest).encode()), ("blobs/sha256/cc", FILE, b"{}"),
            ("blobs/sha256/00", FILE, tar_bytes(self.layers[0], True)), ("blobs/sha256/11", FILE, tar_bytes(self.layers[1]))]
        _, root = self.unpack(members)
        self.check_unpacked(root)
        with self.assertRaisesRegex(unpack.ArchiveError, "no image for riscv64"):
            self.unpack(members, "riscv64")

    def test_nothing_escapes_the_root(self):
        _, root = self.unpack([
            ("../outside1", FILE, b"x"), ("/abs", FILE, b"x"), ("up", LINK, "../../.."), ("up/outside2", FILE, b"x"),
            ("rooted", LINK, self.folder), ("rooted/outside3", FILE, b"x"), ("loop", LINK, "loop"),
            ("file", FILE, b"1"), ("hard", HARD, "../file")])
        names = {name for _, _, files in os.walk(self.folder) for name in files}
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("outside")], [])
        self.assertTrue({"outside1", "abs", "outside2", "outside3"} <= names)
        self.assertEqual(os.stat(os.path.join(root, "hard")).st_nlink, 2)

    def test_link_loops_are_errors(self):
        with self.assertRaises(unpack.ArchiveError):
            self.unpack([("loop", LINK, "loop"), ("loop/x", FILE, b"")])


class ImageCacheTest(FolderCase):
    def test_oldest_images_go_first(self):
        cache = image_cache.ImageCache(os.path.join(self.folder, "images"), limit=3 << 20)
        for number in range(4):
            cache.keep(f"key{number}", self.write("new", os.urandom(1 << 20)), {"number": number})
            os.utime(os.path.join(cache.folder, f"key{number}.ext4"), (number, number))
        self.assertIsNone(cache.open("key0"))
        self.assertEqual(cache.open("key3")[1], {"number": 3})


if __name__ == "__main__":
    unittest.main()
