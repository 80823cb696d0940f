"""Back end of strate.toml: the binary manifest that the silo manager reads, and the typed Environment of the strate."""

from __future__ import annotations

import struct

from cpp import head
from manifest import DEVICE_KINDS, ISOLATIONS, PRIVILEGES, RESOURCE_KINDS, RESTARTS, STARTS, Manifest

# The layout is described, and decoded again, by lib/manifest/manifest.h.
MAGIC = 0x54464D41  # "AMFT"
VERSION = 2
HEADER = struct.Struct("<IHHIIIIIIQIIHHHH32s")
PROVIDE = struct.Struct("<32s32s")
NEED = struct.Struct("<32s32s32sII")
DEVICE = struct.Struct("<IIIIII32s")
RESOURCE = struct.Struct("<IIQQ32s")


def encode_manifest(manifest: Manifest) -> bytes:
    body = b""
    for entry in manifest.provides:
        body += PROVIDE.pack(entry.interface.encode(), entry.scheme.encode())
    for need in manifest.needs:
        body += NEED.pack(need.interface.encode(), need.member.encode(), need.scheme.encode(), int(need.optional), 0)
    for device in manifest.devices:
        kind = DEVICE_KINDS.index(device.kind)
        body += DEVICE.pack(kind, device.vendor, device.device, device.class_code, device.class_mask, 0, device.name.encode())
    for resource in manifest.resources:
        body += RESOURCE.pack(RESOURCE_KINDS.index(resource.kind), 0, resource.first, resource.length, resource.member.encode())
    return (
        HEADER.pack(
            MAGIC,
            VERSION,
            HEADER.size,
            HEADER.size + len(body),
            ISOLATIONS.index(manifest.isolation),
            STARTS.index(manifest.start),
            RESTARTS.index(manifest.restart),
            manifest.threads,
            sum(1 << PRIVILEGES.index(privilege) for privilege in manifest.privileges),
            manifest.memory,
            manifest.cpu_percent,
            manifest.cpu_weight,
            len(manifest.provides),
            len(manifest.needs),
            len(manifest.devices),
            len(manifest.resources),
            manifest.name.encode(),
        )
        + body
    )


def roles(manifest: Manifest) -> list[tuple[str, str, str, bool]]:
    """(member, C++ type, comment, is optional) in the order in which roles are numbered, from 1."""
    found = [(p.member, "sdk::UniqueHandle", f"to serve {p.interface} as {p.scheme}:", False) for p in manifest.provides]
    found += [(n.member, "sdk::Need", f"{n.interface} of {n.scheme}:", n.optional) for n in manifest.needs]
    if manifest.devices:
        found.append(("device", "sdk::UniqueHandle", "endpoint of the Device that this instance drives", False))
    for r in manifest.resources:
        where = "all" if r.length == 0 else f"{r.first:#x} to {r.first + r.length - 1:#x}"
        what = {"boot_archive": "the boot archive", "kernel_log": "Bedrock's log"}.get(r.kind, f"{r.kind} range: {where}")
        found.append((r.member, "sdk::UniqueHandle", what, False))
    comments = {"root-silo": "the root silo", "silo-manager": "an administrative SiloManager endpoint", "dma": "root of DMA domains",
                "entropy": "the root silo, for random_add only"}
    found += [(p.replace("-", "_"), "sdk::UniqueHandle", comments[p], False) for p in manifest.privileges]
    return found


def emit_environment(manifest: Manifest) -> str:
    """Declares the strate's Environment and, for the one source file that defines ASTRATA_STRATE_ENTRY, its entry."""
    lines = head(f"What {manifest.name} starts with.", str(manifest.path))
    lines += ["#pragma once", "", '#include "lib/base/result.h"', '#include "sdk/environment.h"', ""]
    lines += [f"namespace astrata::{manifest.namespace} {{", "", "struct Environment : sdk::CommonEnvironment {"]
    found = roles(manifest)
    lines += [f"    {type} {name};  ///< {comment}" for name, type, comment, _ in found]
    lines += ["", "    /// errors    not_found (the block lacks something that the manifest lists)"]
    lines += ["    static Result<Environment> from(start::StartBlock const& block) {", "        Environment environment;"]
    lines += ["        TRY(environment.take_common(block));"]
    for ordinal, (name, type, _, optional) in enumerate(found, 1):
        if type == "sdk::Need":
            function = "take_optional_need" if optional else "take_need"
        else:
            function = "take_grant"
        call = f"sdk::{function}(block, {ordinal})"
        lines.append(f"        environment.{name} = {call};" if optional else f"        environment.{name} = TRY({call});")
    lines += ["        return environment;", "    }", "};", "", f"}}  // namespace astrata::{manifest.namespace}", ""]
    lines += ["namespace astrata {", "", "/// The strate's own entry point. An error is logged and ends the process with code 1."]
    lines += [f"Result<> strate_main({manifest.namespace}::Environment& environment);", "", "}  // namespace astrata", ""]
    lines += ["#ifdef ASTRATA_STRATE_ENTRY", "#include <new>", "", "namespace astrata::sdk {", "", "Result<> run_strate(start::StartBlock const& block) {"]
    lines += ["    // Never destroyed: its handles, the log's among them, last until the process ends.",
              f"    auto* const environment = new (std::nothrow) {manifest.namespace}::Environment(TRY({manifest.namespace}::Environment::from(block)));",
              "    return environment != nullptr ? strate_main(*environment) : fail(Error::no_memory);", "}", ""]
    lines += ["}  // namespace astrata::sdk", "#endif", ""]
    return "\n".join(lines)
