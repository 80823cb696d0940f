"""Signals as bytes in a pipe, so that one poll loop sees them between all other events."""
from __future__ import annotations

import os
import signal


class SignalPipe:
    """While in use, the given signals no longer end the process; `take` says which arrived. `fd` is readable then."""

    def __init__(self, *numbers: int):
        self.numbers = numbers

    def __enter__(self):
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # A signal that was ignored when we were started (nohup, background jobs) stays ignored.
        self._before = {number: signal.getsignal(number) for number in self.numbers
                        if signal.getsignal(number) is not signal.SIG_IGN}
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in self._before:
            signal.signal(number, lambda *_: None)
        return self

    def __exit__(self, *_):
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self.fd)
        os.close(self._write)

    def take(self) -> list[int]:
        """Signals that arrived since the last call."""
        try:
            return list(os.read(self.fd, 256))
        except BlockingIOError:
            return []
