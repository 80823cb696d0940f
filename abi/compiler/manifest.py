"""strate.toml: reading and checking. One manifest for each strate or app, beside its code."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from cpp import KEYWORDS
from model import Program, snake

ISOLATIONS = ["user", "kernel", "wasm"]
STARTS = ["boot", "demand", "device", "first"]
RESTARTS = ["always", "on-failure", "never"]
PRIVILEGES = ["root-silo", "silo-manager", "dma", "entropy"]
RESOURCE_KINDS = ["port", "memory", "interrupt", "boot_archive", "kernel_log"]
MACHINES = ("x86_64", "aarch64", "riscv64")
DEVICE_KINDS = ["pci", "pci_class", "virtio", "platform"]

NAME = re.compile(r"[a-z0-9-]{1,31}")
SCHEME = re.compile(r"@?[a-z][a-z0-9-]{0,29}")
MEMBER = re.compile(r"[a-z][a-z0-9_]{0,30}")
SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class ManifestError(Exception):
    """A mistake in a manifest, told as `file: key: message`."""

    def __init__(self, path: Path, key: str, message: str) -> None:
        super().__init__(f"{path}: {key}: {message}" if key else f"{path}: {message}")


@dataclass
class Provide:
    interface: str
    scheme: str
    member: str


@dataclass
class Need:
    interface: str
    member: str
    scheme: str
    optional: bool


@dataclass
class Device:
    kind: str
    vendor: int = 0
    device: int = 0
    class_code: int = 0
    class_mask: int = 0
    name: str = ""


@dataclass
class Resource:
    """`length` 0 means everything of the kind."""

    kind: str
    member: str
    first: int = 0
    length: int = 0


@dataclass
class Manifest:
    path: Path
    name: str
    isolation: str = "user"
    start: str = "demand"
    restart: str = "on-failure"
    memory: int = 0
    threads: int = 0
    cpu_percent: int = 0
    cpu_weight: int = 0
    provides: list[Provide] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    privileges: list[str] = field(default_factory=list)
    machines: tuple[str, ...] = ()

    @property
    def numbers_schemes(self) -> bool:
        """Instances of a driver append their number, but not the first of what a machine has without a bus."""
        return self.start == "device" and any(device.kind != "platform" for device in self.devices)

    @property
    def namespace(self) -> str:
        return self.name.replace("-", "_")


class Reader:
    """Takes typed values out of one table and refuses what is left over."""

    def __init__(self, path: Path, key: str, table: object) -> None:
        self.path = path
        self.key = key
        if not isinstance(table, dict):
            raise self.error("", "must be a table")
        self.rest = dict(table)

    def error(self, key: str, message: str) -> ManifestError:
        return ManifestError(self.path, ".".join(part for part in (self.key, key) if part), message)

    def text(self, key: str, pattern: re.Pattern[str], default: str | None = None) -> str:
        value = self.rest.pop(key, default)
        if value is None:
            raise self.error(key, "is missing")
        if not isinstance(value, str) or (value != default and not pattern.fullmatch(value)):
            raise self.error(key, f"{value!r} does not match {pattern.pattern}")
        return value

    def choice(self, key: str, choices: list[str], default: str) -> str:
        value = self.rest.pop(key, default)
        if value not in choices:
            raise self.error(key, f"{value!r} is none of {', '.join(choices)}")
        return value

    def boolean(self, key: str) -> bool:
        value = self.rest.pop(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def tables(self, key: str) -> list[Reader]:
        value = self.rest.pop(key, [])
        if not isinstance(value, list):
            raise self.error(key, "must be an array of tables")
        return [Reader(self.path, f"{key}[{index}]", entry) for index, entry in enumerate(value)]

    def finish(self) -> None:
        for key in self.rest:
            raise self.error(key, "unknown key")


def read_manifests(source: Path) -> list[Manifest]:
    paths = sorted([*(source / "strates").rglob("strate.toml"), *(source / "apps").rglob("strate.toml")])
    return [read_manifest(path, path.relative_to(source)) for path in paths]


def read_manifest(path: Path, shown_as: Path) -> Manifest:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(shown_as, "", str(error)) from error
    return decode(table, shown_as)


def decode(table: dict[str, object], path: Path) -> Manifest:
    reader = Reader(path, "", table)
    manifest = Manifest(path, reader.text("name", NAME))
    manifest.isolation = reader.choice("isolation", ISOLATIONS, "user")
    manifest.start = reader.choice("start", STARTS, "demand")
    manifest.restart = reader.choice("restart", RESTARTS, "on-failure")
    manifest.memory = size(reader, "memory")
    manifest.threads = number(reader, "threads", 2**16)
    manifest.cpu_percent = percent(reader, "cpu")
    manifest.cpu_weight = number(reader, "cpu-weight", 10_001)
    manifest.provides = [provide(entry) for entry in reader.tables("provides")]
    manifest.needs = [need(entry) for entry in reader.tables("needs")]
    manifest.devices = [device(entry) for entry in reader.tables("devices")]
    manifest.resources = [resource(entry) for entry in reader.tables("resources")]
    manifest.machines = machines(reader)
    privileges = reader.rest.pop("privileges", [])
    if not isinstance(privileges, list):
        raise reader.error("privileges", "must be an array")
    for privilege in privileges:
        if privilege not in PRIVILEGES:
            raise reader.error("privileges", f"{privilege!r} is none of {', '.join(PRIVILEGES)}")
    # In the order of their bits, in which their roles are numbered.
    manifest.privileges = [privilege for privilege in PRIVILEGES if privilege in privileges]
    reader.finish()
    if (manifest.start == "device") != bool(manifest.devices):
        raise reader.error("devices", 'start = "device" and `devices` go together')
    check_members(manifest)
    return manifest


def machines(reader: Reader) -> tuple[str, ...]:
    """Those that the strate is for, if not all; the boot archives of others leave it out."""
    value = reader.rest.pop("machines", list(MACHINES))
    if not isinstance(value, list) or not value or not set(value) <= set(MACHINES):
        raise reader.error("machines", f"must list some of {', '.join(MACHINES)}")
    return tuple(value)


def number(reader: Reader, key: str, limit: int) -> int:
    value = reader.rest.pop(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise reader.error(key, f"must be a number below {limit}")
    return value


def percent(reader: Reader, key: str) -> int:
    """Of one CPU's time: more than 100% is more than one CPU."""
    value = reader.rest.pop(key, "0%")
    match = re.fullmatch(r"([0-9]{1,4})%", value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 6400:
        raise reader.error(key, f'{value!r} is not a share of a CPU such as "20%"')
    return int(match[1])


def size(reader: Reader, key: str) -> int:
    value = reader.rest.pop(key, "0")
    match = re.fullmatch(r"([0-9]+)([KMG]?)", value) if isinstance(value, str) else None
    if match is None or int(match[1]) * SIZE_UNITS[match[2]] >= 2**63:
        raise reader.error(key, f'{value!r} is not a size such as "8M"')
    return int(match[1]) * SIZE_UNITS[match[2]]


def provide(entry: Reader) -> Provide:
    interface = entry.text("interface", re.compile(r"[A-Z][A-Za-z0-9]{0,30}"))
    made = Provide(interface, entry.text("scheme", SCHEME), entry.text("name", MEMBER, snake(interface)))
    if made.scheme.startswith("@"):
        raise entry.error("scheme", "a provided scheme cannot be a parameter")
    entry.finish()
    return made


def need(entry: Reader) -> Need:
    interface = entry.text("interface", re.compile(r"[A-Z][A-Za-z0-9]{0,30}"))
    made = Need(interface, entry.text("name", MEMBER, snake(interface)), entry.text("scheme", SCHEME), entry.boolean("optional"))
    entry.finish()
    return made


def device(entry: Reader) -> Device:
    kinds = [kind for kind in DEVICE_KINDS if kind in entry.rest]
    if len(kinds) != 1:
        raise entry.error("", f"needs exactly one of {', '.join(DEVICE_KINDS)}")
    made = Device(kinds[0])
    match kinds[0]:
        case "pci":
            vendor, made_device = entry.text("pci", re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")).split(":")
            made.vendor, made.device = int(vendor, 16), int(made_device, 16)
        case "pci_class":
            parts = entry.text("pci_class", re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){0,2}")).split(":")
            made.class_code = int("".join(parts).ljust(6, "0"), 16)
            made.class_mask = int("".join("ff" for _ in parts).ljust(6, "0"), 16)
        case "virtio":
            value = entry.rest.pop("virtio")
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**32:
                raise entry.error("virtio", "must be a virtio device id")
            made.device = value
        case "platform":
            made.name = entry.text("platform", re.compile(r"[A-Za-z0-9,._-]{1,31}"))
    entry.finish()
    return made


def resource(entry: Reader) -> Resource:
    keys = {"port": "port", "ports": "port", "memory": "memory", "interrupt": "interrupt", "interrupts": "interrupt"}
    keys |= {"boot_archive": "boot_archive", "kernel_log": "kernel_log"}
    found = [key for key in keys if key in entry.rest]
    if len(found) != 1:
        raise entry.error("", f"needs exactly one of {', '.join(keys)}")
    key = found[0]
    made = Resource(keys[key], entry.text("name", MEMBER))
    value = entry.rest.pop(key)
    if key in ("boot_archive", "kernel_log"):
        if value is not True:
            raise entry.error(key, "must be true")
    elif value != "all":
        match = re.fullmatch(r"(0x[0-9a-fA-F]+|[0-9]+)(?:-(0x[0-9a-fA-F]+|[0-9]+))?", value) if isinstance(value, str) else None
        if match is None:
            raise entry.error(key, f'{value!r} is neither "all" nor a range such as "0x70-0x71"')
        made.first = int(match[1], 0)
        last = int(match[2] or match[1], 0)
        if last < made.first or last >= (2**16 if made.kind == "port" else 2**52):
            raise entry.error(key, f"range {value} is empty or too high")
        made.length = last - made.first + 1
    entry.finish()
    return made


def members(manifest: Manifest) -> list[str]:
    names = [entry.member for entry in [*manifest.provides, *manifest.needs, *manifest.resources]]
    names += ["device"] if manifest.devices else []
    return names + [privilege.replace("-", "_") for privilege in manifest.privileges]


def check_members(manifest: Manifest) -> None:
    seen = {"log", "arguments", "self", "home", "silo", "thread", "instance", "instance_name"}
    for name in members(manifest):
        if name in seen or name in KEYWORDS:
            raise ManifestError(manifest.path, "name", f"{name!r} is taken; name the entry differently")
        seen.add(name)


def check_manifests(program: Program, manifests: list[Manifest]) -> None:
    """What only all of them together can show: unique names, known interfaces, and that every need is met, on each machine."""
    for machine in MACHINES:
        check_archive(program, [manifest for manifest in manifests if machine in manifest.machines])


def check_archive(program: Program, manifests: list[Manifest]) -> None:
    interfaces = {interface.name for interface in program.interfaces}
    names: dict[str, Manifest] = {}
    schemes: dict[str, tuple[Manifest, Provide]] = {}
    for manifest in manifests:
        if manifest.name in names:
            raise ManifestError(manifest.path, "name", f"{manifest.name!r} is taken by {names[manifest.name].path}")
        names[manifest.name] = manifest
        for index, entry in enumerate(manifest.provides):
            key = f"provides[{index}]"
            if entry.interface not in interfaces:
                raise ManifestError(manifest.path, f"{key}.interface", f"no interface {entry.interface} in abi/interfaces/")
            if entry.scheme in schemes and schemes[entry.scheme][0].start != "device":
                raise ManifestError(manifest.path, f"{key}.scheme", f"{entry.scheme!r} is also provided by {schemes[entry.scheme][0].path}")
            schemes[entry.scheme] = (manifest, entry)
    for manifest in manifests:
        for index, entry in enumerate(manifest.needs):
            key = f"needs[{index}]"
            if entry.interface not in interfaces:
                raise ManifestError(manifest.path, f"{key}.interface", f"no interface {entry.interface} in abi/interfaces/")
            if not entry.scheme.startswith("@") and not entry.optional:
                check_need(manifest, key, entry, schemes)


def check_need(manifest: Manifest, key: str, need: Need, schemes: dict[str, tuple[Manifest, Provide]]) -> None:
    found = schemes.get(need.scheme)
    if found is not None and found[0].numbers_schemes:
        found = None
    if found is None:
        base = schemes.get(need.scheme.rstrip("0123456789"))
        if base is not None and base[0].start == "device" and need.scheme[-1].isdigit():
            found = base
    if found is None:
        raise ManifestError(manifest.path, f"{key}.scheme", f"unmet need: no strate provides {need.scheme!r}")
    if found[1].interface != need.interface:
        raise ManifestError(
            manifest.path, f"{key}.interface", f"{need.scheme!r} of {found[0].path} is a {found[1].interface}, not a {need.interface}"
        )
