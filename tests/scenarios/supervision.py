"""Strates that die are replaced, and who was using them does not notice."""
import re
import time

from big_reads import image_with_big_file, kill_while_reading
from harness import MACHINES, chevron, expect, scenario


@scenario("supervision.killed_disk_driver", timeout=300)
def killed_disk_driver():
    for machine in MACHINES:
        kill_while_reading(["virtio-blk.0"], machine)


@scenario("supervision.killed_file_system", timeout=300)
def killed_file_system():
    kill_while_reading(["ext4"], MACHINES[0])


@scenario("supervision.both_killed", timeout=300)
def both_killed():
    kill_while_reading(["ext4", "virtio-blk.0"], MACHINES[-1])


@scenario("supervision.the_shell_does_not_stop_itself")
def the_shell_does_not_stop_itself():
    with chevron() as console:
        for verb in ("silo stop chevron", "strate stop chevron"):
            said = console.command(verb)
            expect("this is the shell" in said, said)
        expect("running" in console.command("silo info chevron"), "the shell has stopped")


@scenario("supervision.restart_counts")
def restart_counts():
    with chevron() as console:
        before = console.command("silo info ramfs")
        console.command("strate restart ramfs")
        for _ in range(50):  # the new instance takes a moment
            after = console.command("silo info ramfs")
            if before != after and "running" in after:
                break
            time.sleep(0.1)
        expect(before != after and "running" in after, f"{before}\n{after}")


@scenario("supervision.crashing_strate")
def crashing_strate():
    """A strate that writes to address 0 is reported with the place, started again, and disturbs nobody."""
    with chevron() as console:
        console.command("strate start crasher")
        log = console.until("strate logs crasher", "restart 2")
        expect(re.search(r"crashed: .*address 0x0+, instruction 0x[0-9a-f]+ ", log), log)
        console.command("strate stop crasher")
        expect("crashed" in console.command("strate logs crasher"), "the log is gone")
        expect("running" in console.command("strate info ramfs"), "another strate did not survive")
        console.command("echo still here").index("still here")


@scenario("supervision.all_drivers_once")
def all_drivers_once():
    """A strate that uses what others provide, and kills the disk driver meanwhile: every round reads the same."""
    image, _ = image_with_big_file(8)
    with chevron("--disk", image) as console:
        console.send("strate start driver-probe\r")
        console.expect(r"powering off\n", 60)
        rounds = re.findall(r"^disk: .* 0 errors, (\d+) sessions, sum (\w+)", console.text, re.MULTILINE)
        expect(len({total for _, total in rounds}) == 1 and "2" in {sessions for sessions, _ in rounds}, console.text)
