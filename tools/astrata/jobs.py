"""Runs many commands, a few at a time, each with a deadline and a log of its own; none outlives this process."""
from __future__ import annotations

import os
import select
import signal
import subprocess
import time


class Job:
    """One command of the suite."""

    def __init__(self, name: str, command: list[str], timeout: float, folder: str | None = None,
                 environment: dict[str, str] | None = None):
        self.name, self.command, self.timeout, self.folder = name, command, timeout, folder
        self.environment = environment or {}
        self.log = ""


class Result:
    """How a job ended; `problem` is empty if it passed."""

    def __init__(self, job: Job, problem: str, seconds: float):
        self.job, self.problem, self.seconds = job, problem, seconds

    @property
    def passed(self) -> bool:
        return not self.problem


class _Running:
    def __init__(self, job: Job):
        self.job, self.started = job, time.monotonic()
        with open(job.log, "wb") as log:
            # A session of its own, so that everything a job started can be ended with it.
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *job.command], cwd=job.folder,
                                            env={**os.environ, **job.environment}, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        self.descriptor = os.pidfd_open(self.process.pid)

    @property
    def deadline(self) -> float:
        return self.started + self.job.timeout

    def end(self) -> None:
        """Kills whatever is left of the job, also after it ended by itself."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.descriptor)

    def result(self, timed_out: bool) -> Result:
        status = self.process.returncode
        problem = ""
        if timed_out:
            problem = f"no end after {self.job.timeout:.0f} s"
        elif status < 0:
            problem = f"killed by {signal.Signals(-status).name}"
        elif status > 0:
            problem = f"status {status}"
        return Result(self.job, problem, time.monotonic() - self.started)


def run(jobs: list[Job], parallel: int, log_folder: str, report) -> list[Result]:
    """Runs all jobs, calling `report(result)` as each ends. Logs are `log_folder`/NAME.log."""
    os.makedirs(log_folder, exist_ok=True)
    waiting, running, results = list(jobs), [], []
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                job = waiting.pop(0)
                job.log = os.path.join(log_folder, job.name.replace("/", "_") + ".log")
                running.append(_Running(job))
            patience = max(0.0, min(entry.deadline for entry in running) - time.monotonic())
            ended, _, _ = select.select([entry.descriptor for entry in running], [], [], patience)
            for entry in list(running):
                timed_out = time.monotonic() >= entry.deadline
                if entry.descriptor in ended or timed_out:
                    timed_out = entry.process.poll() is None
                    running.remove(entry)
                    entry.end()
                    results.append(entry.result(timed_out))
                    report(results[-1])
    finally:
        for entry in running:
            entry.end()
    return results
