"""Recursive-descent parser: tokens of one .abi file to declarations."""

from __future__ import annotations

from pathlib import Path

from lexer import AbiError, Token, tokenize
from model import SCALAR_SIZES, Enumeration, Enumerator, Event, Field, File, Interface, Method, Struct, SystemCall, Type


def parse_file(path: Path, shown_as: Path | None = None) -> File:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SystemExit(f"{path}: not UTF-8: {error}") from error
    return parse_text(text, shown_as or path)


def parse_text(text: str, path: Path) -> File:
    return Parser(tokenize(text, path), path).file()


class Parser:
    def __init__(self, tokens: list[Token], path: Path) -> None:
        self.tokens = tokens
        self.position = 0
        self.path = path

    # ---- Tokens ----

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.next
        if token.kind != "end":
            self.position += 1
        return token

    def error(self, message: str, token: Token | None = None) -> AbiError:
        return AbiError((token or self.next).place, message)

    def accept(self, text: str) -> bool:
        if self.next.kind in ("symbol", "name") and self.next.text == text:
            self.take()
            return True
        return False

    def expect(self, text: str) -> Token:
        if self.next.kind not in ("symbol", "name") or self.next.text != text:
            raise self.error(f"expected '{text}' before '{self.next.text}'")
        return self.take()

    def name(self, what: str) -> Token:
        if self.next.kind != "name":
            raise self.error(f"expected {what} before '{self.next.text}'")
        return self.take()

    def number(self, what: str) -> int:
        if self.next.kind != "number":
            raise self.error(f"expected {what}, a number, before '{self.next.text}'")
        return int(self.take().text, 0)

    def documentation(self) -> list[str]:
        lines = []
        while self.next.kind == "documentation":
            lines.append(self.take().text)
        return lines

    def annotations(self) -> set[str]:
        found: set[str] = set()
        while self.accept("@"):
            token = self.name("an annotation")
            if token.text in found:
                raise self.error(f"annotation @{token.text} given twice", token)
            found.add(token.text)
        return found

    # ---- Declarations ----

    def file(self) -> File:
        file = File(self.path)
        while True:
            documentation = self.documentation()
            if self.next.kind == "end":
                return file
            annotations = self.annotations()
            keyword = self.name("a declaration")
            if annotations and keyword.text != "syscall":
                raise self.error(f"'{keyword.text}' takes no annotations", keyword)
            match keyword.text:
                case "enum" | "flags":
                    file.types.append(self.enumeration(keyword.text == "flags", documentation))
                case "struct":
                    file.types.append(self.struct(documentation))
                case "syscall":
                    file.system_calls.append(self.system_call(annotations, documentation))
                case "interface":
                    file.interfaces.append(self.interface(documentation))
                case "event":
                    file.events.append(self.event(documentation))
                case _:
                    raise self.error(f"expected enum, flags, struct, syscall, interface or event, not '{keyword.text}'", keyword)

    def enumeration(self, is_flags: bool, documentation: list[str]) -> Enumeration:
        name = self.name("the type's name")
        self.expect(":")
        width = self.name("the underlying type")
        if width.text != "u32":
            raise self.error(f"underlying type must be u32, not {width.text}", width)
        self.expect("{")
        enumerators = []
        while not self.accept("}"):
            self.documentation()
            token = self.name("an enumerator")
            self.expect("=")
            enumerators.append(Enumerator(token.text, self.number("its value"), token.place))
            self.accept(",")
            self.documentation()
        return Enumeration(name.text, is_flags, enumerators, documentation, name.place)

    def struct(self, documentation: list[str]) -> Struct:
        name = self.name("the struct's name")
        self.expect("{")
        fields = []
        while not self.accept("}"):
            self.documentation()
            token = self.name("a field")
            self.expect(":")
            fields.append(Field(token.text, self.data_type(), token.place))
            self.accept(",")
            self.documentation()
        return Struct(name.text, fields, documentation, name.place)

    def system_call(self, annotations: set[str], documentation: list[str]) -> SystemCall:
        name = self.name("the system call's name")
        arguments = self.parameters(self.system_call_argument_type)
        self.expect("->")
        results = self.parameters(self.system_call_result_type)
        return SystemCall(name.text, arguments, results, annotations, documentation, name.place)

    def interface(self, documentation: list[str]) -> Interface:
        name = self.name("the interface's name")
        self.expect("{")
        methods = []
        while True:
            method_documentation = self.documentation()
            if self.accept("}"):
                break
            annotations = self.annotations()
            token = self.name("a method")
            arguments = self.parameters(self.message_type)
            self.expect("->")
            results = self.parameters(self.message_type)
            methods.append(Method(token.text, arguments, results, annotations, method_documentation, token.place))
        return Interface(name.text, methods, documentation, name.place)

    def event(self, documentation: list[str]) -> Event:
        name = self.name("the event's name")
        self.expect("of")
        group = self.name("a group").text
        return Event(name.text, group, self.parameters(self.data_type), documentation, name.place)

    def parameters(self, parse_type) -> list[Field]:
        self.expect("(")
        fields: list[Field] = []
        while not self.accept(")"):
            if fields:
                self.expect(",")
            token = self.name("a parameter")
            self.expect(":")
            fields.append(Field(token.text, parse_type(), token.place))
        return fields

    # ---- Types ----

    def data_type(self) -> Type:
        token = self.name("a type")
        if token.text in SCALAR_SIZES:
            return Type("scalar", token.text)
        if token.text == "text":
            return Type("text", limit=self.limit())
        return Type("named", token.text)

    def limit(self) -> int:
        self.expect("<")
        limit = self.number("a length")
        self.expect(">")
        return limit

    def message_type(self) -> Type:
        if self.accept("handle"):
            return Type("handle", self.name("an object kind").text)
        if self.accept("bytes"):
            return Type("bytes", limit=self.limit())
        return self.data_type()

    def system_call_argument_type(self) -> Type:
        if self.accept("in"):
            self.expect("bytes")
            return Type("in_bytes")
        if self.accept("out"):
            if self.accept("bytes"):
                return Type("out_bytes")
            return Type("out_struct", self.name("a struct").text)
        token = self.name("a type")
        if token.text in SCALAR_SIZES:
            return Type("scalar", token.text)
        rights = []
        if self.accept("["):
            while not self.accept("]"):
                if rights:
                    self.expect(",")
                rights.append(self.name("a right").text)
            return Type("handle", token.text, rights=rights)
        return Type("named", token.text)

    def system_call_result_type(self) -> Type:
        if self.accept("new"):
            return Type("new", self.name("an object kind").text)
        return self.system_call_argument_type()
