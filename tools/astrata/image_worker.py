"""Makes an ext4 image from a folder or an archive. Runs as a process of its own, under fakeroot where needed, so that
owners and device nodes reach the image without privileges: `image_worker.py folder|archive SOURCE ARCHITECTURE IMAGE WORK SETTINGS`."""
import json
import os
import subprocess
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from astrata import unpack  # noqa: E402  (the path has to be set first)

BLOCK = 4096


def measure(root: str) -> tuple[int, int]:
    """Bytes of data (in whole blocks) and number of files below `root`; hard links count once."""
    size, files = 0, 0
    seen: set[tuple[int, int]] = set()
    stack = [root]
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                files += 1
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                    size += max(BLOCK, status.st_size * 2)
                elif (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    size += min(-(-status.st_size // BLOCK) * BLOCK, status.st_blocks * 512 + BLOCK)
    return size, files


def make_image(root: str, image: str) -> None:
    """An ext4 image with stock mke2fs. It is sparse, so generous room costs nothing. No journal: it is never written."""
    size, files = measure(root)
    inodes = files + files // 8 + 256
    total = size + size // 16 + inodes * 320 + (16 << 20)
    mke2fs = next(path for path in ("/usr/sbin/mke2fs", "/sbin/mke2fs") if os.path.exists(path))
    subprocess.run([mke2fs, "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-b", str(BLOCK), "-m", "0",
                    "-N", str(inodes), "-E", "root_owner=0:0,lazy_itable_init=1,nodiscard", "-L", "root",
                    "-d", root, image, str(total // BLOCK)], check=True)


def main(kind: str, source: str, architecture: str, image: str, work: str, settings_path: str) -> int:
    settings = {"environment": {}, "directory": "/"}
    try:
        if kind == "archive":
            root = os.path.join(work, "root")
            os.mkdir(root, 0o755)
            settings = unpack.unpack(source, root, architecture)
        else:
            root = source
        make_image(root, image)
    except unpack.ArchiveError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        return 1  # mke2fs has said why
    with open(settings_path, "w", encoding="utf-8") as file:
        json.dump(settings, file)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
