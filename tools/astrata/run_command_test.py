"""./astrata run from outside, against a test double of the machine: streams, statuses, signals, crashes."""
import hashlib
import os
import pty
import signal
import subprocess
import time
import unittest

from astrata import paths
from astrata.testing.fake_build import FakeBuild


class RunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = FakeBuild().__enter__()
        cls.addClassCleanup(cls.fake.__exit__)

    def run_guest(self, *command, **options):
        return self.fake.run("run", "--", *command, **options)

    def test_only_the_programs_bytes_are_on_stdout(self):
        result = self.run_guest("tr", "a-z", "A-Z", input=b"hello\n")
        self.assertEqual((result.stdout, result.stderr, result.returncode), (b"HELLO\n", b"", 0))

    def test_exit_status_passes_through(self):
        for status in (0, 1, 7, 126, 127, 255):
            self.assertEqual(self.run_guest("sh", "-c", f"exit {status}").returncode, status)

    def test_a_signal_is_128_and_its_number(self):
        self.assertEqual(self.run_guest("sh", "-c", "kill -SEGV $$").returncode, 139)

    def test_stdout_and_stderr_stay_apart(self):
        result = self.run_guest("sh", "-c", "echo out; echo err >&2; exit 4")
        self.assertEqual((result.stdout, result.stderr, result.returncode), (b"out\n", b"err\n", 4))

    def test_arguments_keep_every_byte(self):
        awkward = ["", " ", "a b", "%", "é", "--", "new\nline", "\udcff"]
        result = self.run_guest("printf", "%s|", *awkward)
        self.assertEqual(result.stdout, b"".join(os.fsencode(word) + b"|" for word in awkward))

    def test_megabytes_both_ways_arrive_whole(self):
        data = os.urandom(1 << 16) * 160
        result = self.run_guest("cat", input=data)
        self.assertEqual(hashlib.sha256(result.stdout).digest(), hashlib.sha256(data).digest())
        self.assertEqual(result.returncode, 0)

    def test_output_that_arrives_after_the_outcome_is_not_lost(self):
        result = self.run_guest("@late")
        self.assertEqual((result.stdout, result.returncode), (b"late!\n", 3))

    def test_unread_stdin_does_not_hold_up_the_end(self):
        self.assertEqual(self.run_guest("true", input=b"x" * (1 << 22)).returncode, 0)

    def test_a_closed_reader_ends_the_command_quietly(self):
        process = self.fake.start("run", "--", "yes")
        self.assertEqual(process.stdout.read(2), b"y\n")
        process.stdout.close()
        self.assertEqual(process.wait(20), 141)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()

    def test_an_interrupt_reaches_the_command(self):
        process = self.fake.start("run", "--", "sh", "-c", "trap 'echo caught; exit 9' INT; echo up; while :; do sleep 0.05; done")
        self.assertEqual(process.stdout.readline(), b"up\n")
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=20)
        self.assertEqual((stdout, process.returncode), (b"caught\n", 9))

    def test_a_second_interrupt_ends_a_deaf_command(self):
        process = self.fake.start("run", "--", "sh", "-c", "trap '' INT; echo up; sleep 60")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)

    def test_a_killed_run_takes_the_machine_along(self):
        process = self.fake.start("run", "--", "sh", "-c", "echo $PPID; sleep 60")
        machine = int(process.stdout.readline())
        process.kill()
        process.communicate(timeout=20)
        for _ in range(100):
            try:
                with open(f"/proc/{machine}/stat", encoding="utf-8") as file:
                    if file.read().rpartition(")")[2].split()[0] == "Z":
                        return
            except OSError:
                return
            time.sleep(0.05)
        self.fail("the machine outlived its run")

    def test_a_crash_shows_the_console(self):
        result = self.run_guest("@crash")
        self.assertEqual((result.stdout, result.returncode), (b"", 125))
        self.assertIn(b"panic: out of cheese", result.stderr)

    def test_a_refused_command_is_one_line(self):
        result = self.run_guest("@error")
        self.assertEqual((result.stderr, result.returncode), (b"astrata: cannot start it\n", 125))

    def test_a_failing_emulator_is_explained(self):
        result = self.run_guest("@qemu-fails")
        self.assertEqual(result.returncode, 125)
        self.assertIn(b"something is wrong with the machine", result.stderr)

    def test_a_garbled_conversation_is_an_error(self):
        self.assertEqual(self.run_guest("@garbage").returncode, 125)

    def test_closed_standard_streams_are_harmless(self):
        script = 'exec "$0" run -- sh -c "cat; exit 5" <&- >&- 2>&-'
        result = subprocess.run(["sh", "-c", script, paths.ENTRY], env=self.fake.environment, timeout=60, check=False)
        self.assertEqual(result.returncode, 5)

    def test_two_runs_at_once(self):
        runs = [self.fake.start("run", "--", "sh", "-c", f"sleep 0.3; echo {number}") for number in range(4)]
        for number, process in enumerate(runs):
            self.assertEqual(process.communicate(timeout=30)[0], f"{number}\n".encode())

    def test_machine_options_reach_the_emulator(self):
        self.fake.run("run", "--machine", "q35", "--smp", "2", "--memory", "64M", "--icount", "--", "true")
        words = self.fake.qemu_arguments()
        for expected in ("q35", "qboot.rom", "65536K", "shift=0,sleep=off", "-no-reboot"):
            self.assertIn(expected, words)
        self.assertEqual(words[words.index("-smp") + 1], "2")
        self.assertTrue(any(word.startswith("virtio-serial-pci") for word in words))

    def test_a_piped_script_drives_the_console(self):
        result = self.fake.run("run", input=b"one\nshutdown\n")
        self.assertIn(b"you said one", result.stdout)
        self.assertEqual(result.returncode, 0)
        result = self.fake.run("run", input=b"one\n")
        self.assertTrue(result.stdout.endswith(b"bye\r\n"))

    def test_escape_leaves_the_console_and_restores_the_terminal(self):
        import termios

        ours, theirs = pty.openpty()
        before = termios.tcgetattr(theirs)
        process = self.fake.start("run", stdin=theirs, stdout=theirs)
        seen = b""
        while b">>> " not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, b"\x01x")
        self.assertEqual(process.wait(20), 0)
        self.assertEqual(termios.tcgetattr(theirs), before)
        process.stderr.close()
        os.close(ours)
        os.close(theirs)


if __name__ == "__main__":
    unittest.main()
