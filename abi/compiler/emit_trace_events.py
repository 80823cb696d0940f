"""Back ends: the trace records' layout and names, for Bedrock and for decoders in C++ (a header) and elsewhere (JSON)."""

from __future__ import annotations

import json

from cpp import head, identifier
from model import EVENT_WORD_LIMIT, SMALL_EVENT_KINDS, Enumeration, Event, Program


def kind_of(field) -> str:
    return field.type.name or field.type.kind


def groups(program: Program) -> Enumeration:
    found = program.types["TraceGroups"]
    assert isinstance(found, Enumeration)
    return found


def emit_trace_json(program: Program) -> str:
    events = [
        {
            "number": event.number,
            "name": event.name,
            "group": event.group,
            "fields": [
                {"name": f.name, "kind": kind_of(f), "slot": f.offset, "words": max(f.type.limit // 8, 1)} for f in event.fields
            ],
        }
        for event in program.events
    ]
    return json.dumps({"groups": {e.name: e.value for e in groups(program).enumerators}, "events": events}, indent=1) + "\n"


def emit_trace_events(program: Program, source: str) -> str:
    lines = head("Trace records: what each kind holds.", source)
    lines += ["#pragma once", "", "#include <array>", "#include <cstdint>", "#include <span>", "#include <string_view>", "#include <utility>", ""]
    lines += ['#include "abi/types.h"', "", "namespace astrata::abi {", "", "// clang-format off"]
    lines += ["enum class TraceEvent : std::uint8_t {", "    none = 0,"]
    lines += [f"    {identifier(e.name)} = {e.number}," for e in program.events]
    lines += ["};", ""]
    lines += [
        "/// One record of a ring. Which fields count, and what they mean, follows from the event.",
        "struct TraceRecord {",
        "    std::uint64_t timestamp{};   // ticks of the time-stamp counter",
        "    std::uint32_t thread{};      // that was running; 0: an idle one",
        "    TraceEvent event{};",
        "    std::uint8_t cpu{};",
        "    std::uint16_t detail{};",
        f"    std::array<std::uint64_t, {EVENT_WORD_LIMIT}> words{{}};",
        "};",
        "static_assert(sizeof(TraceRecord) == 64);",
        "",
        "enum class TraceFieldKind : std::uint8_t { u16, system_call, u64, hex, object, thread, status, text };",
        "",
        "/// `slot` 0 is the detail, 1 the first word.",
        "struct TraceField {",
        "    std::string_view name;",
        "    TraceFieldKind kind;",
        "    std::uint8_t slot;",
        "    std::uint8_t words;",
        "};",
        "",
        "/// The part of a text of words that counts, copied into `into`.",
        "constexpr std::string_view trace_text(std::span<std::uint64_t const> words, std::span<char> into) {",
        "    std::size_t length = 0;",
        "    for (; length < into.size() && length < words.size() * 8; ++length) {",
        "        into[length] = static_cast<char>(words[length / 8] >> (length % 8 * 8));",
        "        if (into[length] == '\\0')",
        "            break;",
        "    }",
        "    return {into.data(), length};",
        "}",
        "constexpr void put_trace_text(std::span<std::uint64_t> words, std::string_view text) {",
        "    for (std::size_t i = 0; i < text.size() && i < words.size() * 8; ++i)",
        "        words[i / 8] |= std::uint64_t{static_cast<unsigned char>(text[i])} << (i % 8 * 8);",
        "}",
        "",
    ]
    for event in program.events:
        lines += fields_of(event) + builder(event) + [""]
    lines += ["struct TraceEventInfo {", "    std::string_view name;", "    TraceGroups group;", "    std::span<TraceField const> fields;", "};", ""]
    lines += ["/// Indexed by the event's number; the first row stands for nothing.",
              f"inline constexpr std::array<TraceEventInfo, {len(program.events) + 1}> trace_events{{{{", '    {"none", TraceGroups::none, {}},']
    for event in program.events:
        fields = f"trace_fields_{event.name}" if event.fields else "{}"
        lines.append(f'    {{"{event.name}", TraceGroups::{identifier(event.group)}, {fields}}},')
    lines += ["}};", ""]
    bits = list(groups(program).enumerators)
    lines += ["/// Names of the groups, in the order of their bits.",
              f"inline constexpr std::array<std::pair<std::string_view, TraceGroups>, {len(bits)}> trace_groups{{{{"]
    lines += [f'    {{"{e.name}", TraceGroups::{identifier(e.name)}}},' for e in bits]
    lines += ["}};", "// clang-format on", "", "}  // namespace astrata::abi", ""]
    return "\n".join(lines)


def fields_of(event: Event) -> list[str]:
    if not event.fields:
        return []
    rows = ", ".join(
        f'{{"{f.name}", TraceFieldKind::{kind_of(f)}, {f.offset}, {max(f.type.limit // 8, 1)}}}' for f in event.fields
    )
    return [f"inline constexpr std::array<TraceField, {len(event.fields)}> trace_fields_{event.name}{{{{{rows}}}}};"]


def builder(event: Event) -> list[str]:
    parameters, body = [], [f"    TraceRecord record{{.event = TraceEvent::{identifier(event.name)}}};"]
    for f in event.fields:
        kind, name = kind_of(f), identifier(f.name)
        if kind in SMALL_EVENT_KINDS:
            parameters.append(f"std::uint16_t {name}")
            body.append(f"    record.detail = {name};")
        elif kind == "text":
            parameters.append(f"std::string_view {name}")
            body.append(f"    put_trace_text(std::span(record.words).subspan({f.offset - 1}, {f.type.limit // 8}), {name});")
        else:
            parameters.append(f"std::uint64_t {name}")
            body.append(f"    record.words[{f.offset - 1}] = {name};")
    doc = [f"/// {line}" for line in event.documentation]
    return [*doc, f"constexpr TraceRecord trace_{event.name}({', '.join(parameters)}) {{", *body, "    return record;", "}"]
