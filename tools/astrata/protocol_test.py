"""Tests of the run protocol's lines."""
import unittest

from astrata import protocol


class ProtocolTest(unittest.TestCase):
    def test_words_keep_every_byte(self):
        words = ["", " ", "%20", "a\nb", "ü", "\udc80", "x=y"]
        line = protocol.encode("command", *words)
        self.assertEqual(line.count(b"\n"), 1)
        self.assertEqual(protocol.decode(line[:-1]), ("command", words))

    def test_bad_lines_are_errors(self):
        for line in (b"", b"exit %4", b"exit %zz", b"exit %"):
            with self.assertRaises(protocol.ProtocolError):
                protocol.decode(line)

    def test_outcomes(self):
        self.assertEqual(protocol.outcome("exit", ["7", "1", "2"]).status, 7)
        self.assertEqual(protocol.outcome("signal", ["11", "0", "0"]).status, 139)
        self.assertIsNone(protocol.outcome("ready", []))
        for words in (["7"], ["x", "0", "0"], ["256", "0", "0"], ["0", "-1", "0"]):
            with self.assertRaises(protocol.ProtocolError):
                protocol.outcome("exit", words)

    def test_lines_are_cut_wherever_the_stream_is(self):
        reader = protocol.LineReader()
        self.assertEqual(reader.feed(b"rea"), [])
        self.assertEqual(reader.feed(b"dy\nexit 0 0 0\nx"), [b"ready", b"exit 0 0 0"])
        with self.assertRaises(protocol.ProtocolError):
            reader.feed(b"y" * (protocol.MAXIMUM_LINE + 1))


if __name__ == "__main__":
    unittest.main()
