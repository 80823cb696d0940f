"""Language tests: what is accepted, and that mistakes are told with their place."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from checker import check, message_layout
from lexer import AbiError
from model import Struct
from parser import parse_text

BASE = """
flags Rights : u32 { read = 0, write = 1 }
enum ObjectKind : u32 { silo = 1, memory_object = 5 }
"""


def program(text: str):
    return check([parse_text(BASE + text, Path("test.abi"))])


class Language(unittest.TestCase):
    def assert_error(self, text: str, message: str) -> None:
        with self.assertRaises(AbiError) as caught:
            program(text)
        self.assertIn(message, str(caught.exception))
        self.assertRegex(str(caught.exception), r"^test\.abi:\d+: ")

    def test_lays_structs_out(self) -> None:
        struct = program("struct S { a: u32, b: Rights\n c: u64\n name: text<8> }").types["S"]
        assert isinstance(struct, Struct)
        self.assertEqual((struct.size, struct.alignment), (24, 8))

    def test_refuses_hidden_padding(self) -> None:
        self.assert_error("struct S { a: u32, b: u64 }", "4 bytes of hidden padding before it")
        self.assert_error("struct S { b: u64, a: u32 }", "hidden padding at its end")

    def test_numbers_system_calls_in_order(self) -> None:
        calls = program("syscall a() -> ()\n@blocking syscall b(x: u64) -> (y: new Silo)").system_calls
        self.assertEqual([c.number for c in calls], [0, 1])
        self.assertEqual(calls[1].results[0].type.kind, "new")

    def test_gives_events_numbers_and_slots(self) -> None:
        groups = "flags TraceGroups : u32 { life = 0 }\n"
        events = program(groups + "event a of life ()\nevent b of life (n: u16, x: hex, t: text<16>, y: status)").events
        self.assertEqual([e.number for e in events], [1, 2])
        self.assertEqual([f.offset for f in events[1].fields], [0, 1, 2, 4])
        self.assert_error(groups + "event a of other ()", "no group")
        self.assert_error(groups + "event a of life (x: hex, n: u16)", "only the first")
        self.assert_error(groups + "event a of life (x: u32)", "no fields of kind u32")
        self.assert_error(groups + "event a of life (x: text<32>, y: text<24>)", "needs 7 words")

    def test_reads_rights(self) -> None:
        call = program("syscall a(o: MemoryObject[read, write], p: Silo) -> ()").system_calls[0]
        self.assertEqual(call.arguments[0].type.rights, ["read", "write"])
        self.assertEqual(call.arguments[1].type.kind, "handle")

    def test_refuses_bad_system_calls(self) -> None:
        self.assert_error("syscall a(o: Sausage[read]) -> ()", "unknown object kind Sausage")
        self.assert_error("syscall a(o: Silo[fly]) -> ()", "unknown right fly")
        self.assert_error("@sleepy syscall a() -> ()", "unknown annotation @sleepy")
        self.assert_error("syscall a(x: in bytes, y: in bytes, z: in bytes, w: u64) -> ()", "needs 7 argument registers")
        self.assert_error("syscall a() -> ()\nsyscall a() -> ()", "declared twice")
        self.assert_error("syscall a( -> ()", "expected a parameter before '->'")

    def test_lays_messages_out(self) -> None:
        p = program("interface I { m(a: u32, name: text<10>, b: u64, h: handle Silo) -> () }")
        layout = message_layout(p, p.interfaces[0].methods[0].arguments)
        self.assertEqual(layout.offsets, {"a": 0, "name": 4, "b": 8})
        self.assertEqual((layout.fixed, layout.largest, layout.handles), (16, 26, 1))

    def test_refuses_large_messages(self) -> None:
        self.assert_error("interface I { m() -> (b: bytes<4030>) }", "can take 4034 bytes")
        handles = ", ".join(f"h{i}: handle any" for i in range(5))
        self.assert_error(f"interface I {{ m({handles}) -> () }}", "carry 5 handles")

    def test_tells_bad_characters(self) -> None:
        self.assert_error("struct S { a; u32 }", "unexpected character ';'")

    def test_tells_bad_flags(self) -> None:
        self.assert_error("flags F : u32 { a = 32 }", "is above 31")
        self.assert_error("enum F : u32 { a = 1, b = 1 }", "is used twice")


if __name__ == "__main__":
    unittest.main()
