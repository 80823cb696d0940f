"""Chevron on the console: every command shows something true, and the keys do what they do elsewhere."""
import re
import time

from harness import MACHINES, Failure, Terminal, chevron, expect, scenario, start

# Command -> what its output must look like. The first is a Linux program: the silo for those is made when it is needed.
COMMANDS = {
    "uname -a": r"^Linux", "help": r"silo", "ls /": r"bin", "cat /etc/passwd": r"root:x:0:0", "mount": r" / ", "scheme": r"\w+",
    "ps": r"chevron|\bsh\b|linux", "mem": r"\d+", "dmesg": r"\S", "cpuinfo": r"(?i)processor|cpu", "uptime": r"\d",
    "silo list": r"linux", "silo info linux": r"running", "strate list": r"console", "echo hello | cat": r"^hello", "silo logs linux": r"", "lspci": r"",
}


@scenario("chevron.commands", timeout=180)
def commands():
    for machine in MACHINES:
        with chevron("--machine", machine) as console:
            for line, pattern in COMMANDS.items():
                shown = console.command(line)
                expect(re.search(pattern, shown, re.MULTILINE), f"{machine}: {line} shows\n{shown}")
                expect("unknown command" not in shown and "not found" not in shown, f"{machine}: {line} shows\n{shown}")
            if machine != "microvm":
                expect(re.search("1af4|8086|1b36", console.command("lspci").lower()), "lspci shows no device")


@scenario("chevron.status_of_programs")
def status_of_programs():
    with chevron() as console:
        console.command("sh -c 'exit 7'")
        expect(console.command("echo $?").strip() == "7", "$? is not 7")
        console.command("true")
        expect(console.command("echo $?").strip() == "0", "$? is not 0")


@scenario("chevron.redirection")
def redirection():
    with chevron() as console:
        console.command("echo one > /tmp/file")
        console.command("echo two >> /tmp/file")
        expect(console.command("cat /tmp/file").split() == ["one", "two"], "redirection does not work")
        expect(console.command("cat /tmp/file | wc -l").strip() == "2", "pipe does not work")


@scenario("chevron.line_editing")
def line_editing():
    with chevron() as console:
        console.send("echo wrong\x7f\x7f\x7f\x7f\x7fright\r")
        console.expect(r"^right")
        console.expect(r"^>>> ")
        console.send("\x1b[A\r")
        console.expect(r"^right")
        console.expect(r"^>>> ")
        console.send("echo bc\x1b[D\x1b[Da\r")
        console.expect(r"^abc")
        console.expect(r"^>>> ")
        console.send("upti\t\r")
        console.expect(r"uptime")


@scenario("chevron.interrupt_and_suspend")
def interrupt_and_suspend():
    with chevron() as console:
        console.send("sleep 100\r")
        console.expect(r"sleep 100\n")
        console.send("\x03")
        console.expect(r"^>>> ", 10)
        expect(console.command("echo $?").strip() == "130", "$? after Ctrl-C is not 130")
        for _ in range(3):
            console.send("sleep 100\r")
            console.expect(r"sleep 100\n")
            console.send("\x1a")
            console.expect(r"^>>> ", 10)
            expect("sleep" in console.command("jobs"), "the stopped job is not listed")
            console.send("fg\r")
            console.expect(r"^sleep 100\n")
            console.send("\x03")
            console.expect(r"^>>> ", 10)
            expect(console.command("jobs") == "", "a job that has ended is listed")


@scenario("chevron.typing_ahead")
def typing_ahead():
    """What is typed while a program runs is the next reader's, in order and without loss."""
    with chevron() as console:
        console.send("sleep 1\recho one\rcat\rtwo\r\x04echo three\rsh -c 'read line; echo got $line'\rfour\recho five\r")
        for shown in ("one", "two", "three", "got four", "five"):
            console.expect(f"^{shown}")
        console.expect(r"^>>> ")
        expect(console.command("echo $?").strip() == "0", "the last line was not whole")


@scenario("chevron.shutdown_and_script")
def shutdown_and_script():
    for machine in MACHINES:
        with chevron("--machine", machine) as console:
            console.send("shutdown\r")
            expect(console.wait() == 0, f"status {console.process.returncode}")
    process = start("run", stdin=-1)
    stdout, stderr = process.communicate(b"echo from a script\nshutdown\n", 60)
    expect(b"from a script" in stdout and process.returncode == 0, f"{stdout!r} {stderr!r} {process.returncode}")


@scenario("chevron.values_are_live")
def values_are_live():
    with chevron("--memory", "96M") as console:
        amounts = {name: int(value) for name, value in re.findall(r"^ *([a-z ]+?) +\S+ +(\d+) ", console.command("mem"), re.MULTILINE)}
        expect(90 << 20 <= amounts["total"] <= 96 << 20, f"mem shows another size than the machine has: {amounts}")
        expect(amounts["free"] + amounts["used"] == amounts["total"], f"mem does not add up: {amounts}")
        first, second = console.command("uptime"), console.command("uptime")
        expect(first != second, f"uptime stands still: {first!r}")


@scenario("chevron.reboot")
def reboot():
    with Terminal("run") as console:
        console.expect(r"^>>> ", 60)
        console.send("reboot\r")
        console.expect(r"^>>> ", 60)


@scenario("chevron.unknown_calls_are_visible")
def unknown_calls_are_visible():
    from harness import compile_static

    source = "#include <unistd.h>\nint main(void) { syscall(9999); return 0; }\n"
    compile_static("tree/bin/unknown", source, "musl")
    with chevron("--rootfs", "tree") as console:
        console.command("/bin/unknown")
        shown = console.command("silo trace linux")
        expect("9999" in shown and "ENOSYS" in shown, shown)


@scenario("chevron.top")
def top():
    with chevron() as console:
        console.command("uname")
        console.send("silo top\r")
        console.expect(r"linux")
        console.expect(r"linux")
        console.send("q")
        console.expect(r"^>>> ")
        console.send("silo top\r")
        console.expect(r"linux")
        console.send("\x03")
        console.expect(r"^>>> ")


@scenario("chevron.background_jobs")
def background_jobs():
    with chevron() as console:
        console.command("sleep 100 &")
        expect("sleep 100" in console.command("jobs"), "the job is not listed")
        for signal, state in (("STOP", "stopped"), ("CONT", "running")):
            console.command(f"kill -{signal} %1")
            await_job(console, f"{state} *sleep 100")
        shown = console.command("kill %1") + await_job(console, "^(?!.*sleep)")
        expect("ended, status 143" in shown, f"not ended by SIGTERM:\n{shown}")


def await_job(console, pattern):
    """Waits until `jobs` shows what it should; returns what has been shown meanwhile. A signal takes its time."""
    start_at = len(console.text)
    for _ in range(50):
        if re.search(pattern, console.command("jobs").replace("\n", " ")):
            return console.text[start_at:]
        time.sleep(0.1)
    raise Failure(f"jobs never shows {pattern}:\n{console.text[start_at:]}")


def outcome_of(console, strate: str, seconds: int) -> str:
    """What is known of a strate that ends by itself, once it has ended."""
    console.command(f"strate start {strate}")
    for _ in range(seconds):
        shown = console.command(f"strate info {strate}")
        if re.search(r"^state +(finished|crashed)", shown, re.MULTILINE):
            break
        console.command("sleep 1")
    return shown


@scenario("kernel.contracts", timeout=120)
def contracts():
    """A strate checks promises of single system calls that no Linux program gets to."""
    for processors in ("1", "2"):
        with chevron("--smp", processors) as console:
            shown = outcome_of(console, "kernel-contracts", 20)
            expect(re.search(r"^exit code +0$", shown, re.MULTILINE),
                   shown + console.command("strate logs kernel-contracts"))


@scenario("kernel.bad_arguments_to_every_system_call", timeout=180)
def bad_arguments_to_every_system_call():
    """A strate walks all system calls with wrong handles, missing rights, bad pointers and huge lengths."""
    for processors in ("1", "2"):
        with chevron("--smp", processors) as console:
            shown = outcome_of(console, "syscall-probe", 60)
            expect(re.search(r"^state +finished", shown, re.MULTILINE) and re.search(r"^exit code +0$", shown, re.MULTILINE),
                   shown + console.command("strate logs syscall-probe"))
            expect("running" in console.command("strate info ramfs"), "another strate did not survive")
