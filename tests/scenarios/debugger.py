"""The developer's tools on the real system."""
import re
import subprocess

from harness import ASTRATA, expect, scenario, shorten


@scenario("debug.attach_and_break")
def attach_and_break():
    """gdb attaches before the first instruction, stops in a system call, and shows how it came there."""
    words = [ASTRATA, "debug", "--batch", "--gdb", "hbreak astrata::kernel::sys_log_write", "--gdb", "continue",
             "--gdb", "backtrace 3"]
    result = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                            check=False)
    expect(result.returncode == 0 and re.search(rb"^#[01] +.*sys_log_write", result.stdout, re.MULTILINE) and b"#2 " in result.stdout,
           shorten(result.stdout))
