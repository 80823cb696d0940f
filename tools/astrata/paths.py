"""Where things are: the checkout, its build folders, the user's cache."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ASTRATA_BUILD") or os.path.join(ROOT, "build")
HOST_BUILD = os.path.join(BUILD, "host")
ENTRY = os.path.join(ROOT, "astrata")
TOOLS = os.path.join(ROOT, "tools", "astrata")


def target_build(architecture: str) -> str:
    """Build folder of the system for one architecture."""
    return os.path.join(BUILD, architecture)


def cache() -> str:
    """The user's cache folder for this project, created on first use; falls back to the build folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = os.environ.get("HOME", "")
        base = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    for candidate in ([os.path.join(base, "astrata")] if base else []) + [os.path.join(BUILD, "cache")]:
        try:
            os.makedirs(candidate, exist_ok=True)
        except OSError:
            continue
        if os.access(candidate, os.W_OK):
            return candidate
    raise OSError("no writable cache folder")
