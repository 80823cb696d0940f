"""Command line options. Smaller than argparse on purpose: `run` must start in milliseconds, and argparse alone costs ten."""
from __future__ import annotations

from astrata.errors import UsageError


class Option:
    """One option. `value` names its argument (None: a flag), `repeat` collects a list, `convert` checks and converts."""

    def __init__(self, name, value=None, default=None, repeat=False, convert=None, help=""):
        self.name, self.value, self.repeat, self.convert, self.help = name, value, repeat, convert, help
        self.default = [] if repeat else (False if value is None else default)

    @property
    def attribute(self) -> str:
        return self.name.lstrip("-").replace("-", "_")


class Arguments:
    """Parsed options as attributes, `positional` words, and `command`: what followed `--` (None: no `--` was given)."""

    def __init__(self, options: list[Option]):
        for option in options:
            setattr(self, option.attribute, list(option.default) if option.repeat else option.default)
        self.positional: list[str] = []
        self.command: list[str] | None = None


def parse(subcommand: str, options: list[Option], words: list[str]) -> Arguments:
    """Parses `words`; accepts `--name VALUE`, `--name=VALUE` and flags. Raises UsageError with one clear sentence."""
    known = {option.name: option for option in options}
    arguments = Arguments(options)
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word == "--":
            arguments.command = words[index:]
            break
        if not word.startswith("-") or word == "-":
            arguments.positional.append(word)
            continue
        name, equals, inline = word.partition("=")
        option = known.get(name)
        if option is None:
            raise UsageError(f"{subcommand}: unknown option {name} (see ./astrata help {subcommand})")
        if option.value is None:
            if equals:
                raise UsageError(f"{subcommand}: {name} takes no value")
            setattr(arguments, option.attribute, True)
            continue
        if equals:
            text = inline
        elif index < len(words) and words[index] != "--":
            text = words[index]
            index += 1
        else:
            raise UsageError(f"{subcommand}: {name} needs a value: {name} {option.value}")
        value = option.convert(name, text) if option.convert else text
        if option.repeat:
            getattr(arguments, option.attribute).append(value)
        else:
            setattr(arguments, option.attribute, value)
    return arguments


def no_words(subcommand: str, arguments: Arguments) -> None:
    """Refuses stray words and a command after `--` for subcommands that take neither."""
    if arguments.positional:
        raise UsageError(f"{subcommand}: unexpected argument {arguments.positional[0]!r}")
    if arguments.command is not None:
        raise UsageError(f"{subcommand}: takes no command after --")


def choice(*allowed: str, planned: tuple[str, ...] = ()):
    """Converter: one of `allowed`; values in `planned` are known words that do not work yet."""

    def convert(name: str, text: str) -> str:
        if text in planned:
            raise UsageError(f"{name} {text}: not supported yet")
        if text not in allowed:
            raise UsageError(f"{name} {text}: unknown, expected {' or '.join(allowed + planned)}")
        return text

    return convert


def whole_number(low: int, high: int):
    """Converter: a decimal integer in [low, high]."""

    def convert(name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise UsageError(f"{name} {text}: expected a number from {low} to {high}")
        return int(text)

    return convert


def memory_size(name: str, text: str) -> int:
    """Converter: bytes from `64M`, `1G`, `65536K`; a bare number counts MiB, as QEMU has it."""
    digits, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "M")
    shift = {"K": 10, "M": 20, "G": 30}.get(unit)
    if shift is None or not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) << shift <= 1 << 40:
        raise UsageError(f"{name} {text}: expected a size such as 64M or 1G")
    return int(digits) << shift
