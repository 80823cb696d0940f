"""The user's terminal: raw while a guest's terminal is behind it, and always given back as it was found."""
from __future__ import annotations

import os
import termios
from contextlib import contextmanager

STDIN = 0


def is_interactive() -> bool:
    """True if a person is on both ends: stdin and stdout are terminals."""
    try:
        return os.isatty(0) and os.isatty(1)
    except OSError:
        return False


def size() -> tuple[int, int]:
    """Columns and rows of the terminal, 80 by 24 if it does not know."""
    try:
        found = os.get_terminal_size(1)
        return found.columns or 80, found.lines or 24
    except OSError:
        return 80, 24


@contextmanager
def raw_mode():
    """Passes every key through (also Ctrl-C and Ctrl-Z) until the block is left."""
    before = termios.tcgetattr(STDIN)
    raw = termios.tcgetattr(STDIN)
    raw[0] &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR
                | termios.ICRNL | termios.IXON)
    raw[1] &= ~termios.OPOST
    raw[2] = (raw[2] & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
    raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    raw[6] = list(raw[6])
    raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
    termios.tcsetattr(STDIN, termios.TCSANOW, raw)
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)
