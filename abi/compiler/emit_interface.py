"""Back end: typed clients and servers of an interface, with validation of everything that arrives."""

from __future__ import annotations

from checker import MessageLayout, message_layout
from cpp import comment, data_type, head, identifier, is_enumeration, is_struct
from model import Field, File, Interface, Method, Program, snake


def emit_interface(program: Program, file: File, source: str) -> str:
    names = ", ".join(interface.name for interface in file.interfaces)
    lines = head(f"Clients and servers of {names}.", source)
    lines += ["#pragma once", "", "#include <cstdint>", "#include <string_view>", "#include <utility>", ""]
    lines += ['#include "abi/bounded.h"', f'#include "abi/{file.stem}_types.h"', '#include "abi/types.h"']
    lines += ['#include "lib/base/bytes.h"', '#include "lib/base/result.h"', '#include "lib/base/units.h"']
    lines += ['#include "sdk/ipc/client.h"', '#include "sdk/ipc/server.h"', "", "namespace astrata::abi {", ""]
    lines += ["// clang-format off"]
    for interface in file.interfaces:
        lines += client(program, interface) + [""] + server(program, interface) + [""]
    lines += ["// clang-format on", "", "}  // namespace astrata::abi", ""]
    return "\n".join(lines)


# ---- Types at the boundary ----


def parameter_type(field: Field) -> str:
    """How a value is passed to a stub or responder."""
    match field.type.kind:
        case "handle":
            return "sdk::UniqueHandle&&"
        case "bytes":
            return "Bytes"
        case "text":
            return "std::string_view"
        case "named":
            return f"{data_type(field.type)} const&"
    return data_type(field.type)


def result_type(field: Field) -> str:
    """How a received value is returned to the caller: with its own storage."""
    match field.type.kind:
        case "handle":
            return "sdk::UniqueHandle"
        case "bytes":
            return f"abi::BoundedBytes<{field.type.limit}>"
        case "text":
            return f"abi::BoundedText<{field.type.limit}>"
    return data_type(field.type)


def request_member(field: Field) -> str:
    name = identifier(field.name)
    match field.type.kind:
        case "handle":
            return f"mutable sdk::UniqueHandle {name};"
        case "bytes":
            return f"Bytes {name};"
        case "text":
            return f"std::string_view {name};"
    return f"{data_type(field.type)} {name}{{}};"


def object_kind(field: Field) -> str:
    if field.type.name == "any":
        return "ObjectKind{}"
    return f"ObjectKind::{snake(field.type.name)}"


# ---- Writing and reading payloads ----


def total_size(layout: MessageLayout) -> str:
    return " + ".join([str(layout.fixed)] + [f"{identifier(f.name)}.size()" for f in layout.variable])


def put_fields(layout: MessageLayout, fields: list[Field], into: str) -> list[str]:
    lines = []
    end = str(layout.fixed)
    for field in fields:
        name = identifier(field.name)
        if field.type.kind == "handle":
            lines.append(f"{into}.put_handle({name}.get());")
        elif field.type.kind in ("bytes", "text"):
            offset = layout.offsets[field.name]
            value = f"as_bytes({name})" if field.type.kind == "text" else name
            lines.append(f"{into}.put({offset}, static_cast<std::uint32_t>({name}.size()));")
            lines.append(f"{into}.put_bytes({end}, {value});")
            end = f"{end} + {name}.size()"
        else:
            lines.append(f"{into}.put({layout.offsets[field.name]}, {name});")
    return lines


def length_checks(layout: MessageLayout) -> list[str]:
    if not layout.variable:
        return []
    return [" || ".join(f"{identifier(f.name)}.size() > {f.type.limit}" for f in layout.variable)]


def get_fields(program: Program, layout: MessageLayout, fields: list[Field], source: str, target, failure: str, is_request: bool) -> list[str]:
    """Statements that check the received message and assign each field through `target(field)`."""
    lines = [f"if ({source}.size() < {layout.fixed} || {source}.handle_count() != {layout.handles}) [[unlikely]] {failure}"]
    if not layout.variable:
        lines[0] = f"if ({source}.size() != {layout.fixed} || {source}.handle_count() != {layout.handles}) [[unlikely]] {failure}"
    for field in layout.variable:
        lines.append(f"std::size_t const {field.name}_length_ = {source}.get<std::uint32_t>({layout.offsets[field.name]});")
    if layout.variable:
        over = " || ".join(f"{f.name}_length_ > {f.type.limit}" for f in layout.variable)
        total = " + ".join([str(layout.fixed)] + [f"{f.name}_length_" for f in layout.variable])
        lines.append(f"if ({over} || {source}.size() != {total}) [[unlikely]] {failure}")
    handle = 0
    end = str(layout.fixed)
    for field in fields:
        to = target(field)
        if field.type.kind == "handle":
            if is_request and field.type.name != "any":
                lines.append(f"if (!{source}.has_handle_of_kind({handle}, {object_kind(field)})) [[unlikely]] {failure}")
            lines.append(f"{to} = {source}.take_handle({handle});")
            handle += 1
        elif field.type.kind in ("bytes", "text"):
            part = f"{source}.part({end}, {field.name}_length_)"
            if field.type.kind == "text":
                part = f"as_text({part})"
            lines.append(f"{to} = {part};" if is_request else f"{to} = {result_type(field)}({part});")
            end += f" + {field.name}_length_"
        else:
            lines.append(f"{to} = {source}.get<{data_type(field.type)}>({layout.offsets[field.name]});")
            if is_enumeration(program, field.type) or is_struct(program, field.type):
                lines.append(f"if (!is_valid({to})) [[unlikely]] {failure}")
    return lines


def indent(lines: list[str], levels: int) -> list[str]:
    return ["    " * levels + line if line else "" for line in lines]


# ---- Client ----


def client(program: Program, interface: Interface) -> list[str]:
    name = f"{interface.name}Client"
    lines = comment(interface.documentation)
    lines += [f"class {name} {{", "public:"]
    lines += ["    /// The endpoint is borrowed and must stay open."]
    lines += [f"    explicit {name}(abi::Handle endpoint) : endpoint_(endpoint) {{}}", ""]
    for method in interface.methods:
        lines += indent(client_method(program, method), 1) + [""]
    lines += ["    [[nodiscard]] abi::Handle endpoint() const { return endpoint_; }", ""]
    lines += ["private:", "    abi::Handle endpoint_;", "};"]
    return lines


def client_method(program: Program, method: Method) -> list[str]:
    request = message_layout(program, method.arguments)
    reply = message_layout(program, method.results)
    lines: list[str] = []
    several = len(method.results) > 1
    if several:
        lines += [f"struct {method.camel_name}Reply {{"] + [f"    {result_type(f)} {identifier(f.name)}{{}};" for f in method.results] + ["};"]
        result = f"Result<{method.camel_name}Reply>"
    else:
        result = f"Result<{result_type(method.results[0])}>" if method.results else "Result<>"
    parameters = [f"{parameter_type(f)} {identifier(f.name)}" for f in method.arguments] + ["MonotonicNs deadline = never"]
    lines += comment(method.documentation)
    lines.append(f"{result} {method.name}({', '.join(parameters)}) const {{")
    for check in length_checks(request):
        lines.append(f"    if ({check}) [[unlikely]] return fail(Error::message_too_large);")
    body = [f"sdk::OutgoingCall call_({method.ordinal}, {total_size(request)});"]
    body += put_fields(request, method.arguments, "call_")
    handles = [f for f in method.arguments if f.type.kind == "handle"]
    if handles:
        body.append("Result<> const sent_ = call_.send(endpoint_, deadline);")
        body += ["// Handles move when the request is delivered, whatever the answer."]
        body += ["if (call_.was_delivered()) {"] + [f"    (void){identifier(f.name)}.release();" for f in handles] + ["}"]
        body.append("if (!sent_) return fail(sent_.error());")
    else:
        body.append("TRY(call_.send(endpoint_, deadline));")
    failure = "return fail(Error::bad_message);"
    if several:
        body.append(f"{method.camel_name}Reply reply_;")
        body += get_fields(program, reply, method.results, "call_", lambda f: f"reply_.{identifier(f.name)}", failure, False)
        body.append("return reply_;")
    elif method.results:
        field = method.results[0]
        body.append(f"{result_type(field)} reply_{{}};")
        body += get_fields(program, reply, method.results, "call_", lambda f: "reply_", failure, False)
        body.append("return reply_;")
    else:
        body += get_fields(program, reply, [], "call_", lambda f: "", failure, False)
        body.append("return {};")
    if "idempotent" in method.annotations:
        lines += [f"    return sdk::retry_while_closed(deadline, [&]() -> {result} {{"] + indent(body, 2) + ["    });", "}"]
    else:
        lines += indent(body, 1) + ["}"]
    return lines


# ---- Server ----


def server(program: Program, interface: Interface) -> list[str]:
    name = f"{interface.name}Server"
    lines = [f"/// Implements {interface.name}: derive, answer each method through its responder, now or later.", f"class {name} : public sdk::Server {{", "public:"]
    for method in interface.methods:
        lines += indent(request_struct(method), 1) + indent(responder(program, method), 1) + [""]
    for method in interface.methods:
        lines += comment(method.documentation, "    ")
        c = method.camel_name
        lines.append(f"    virtual void {method.name}(sdk::Caller const& caller, {c}Request const& request, {c}Responder responder) = 0;")
    lines += ["", "    void dispatch(sdk::IncomingMessage& message) final {", "        switch (message.method()) {"]
    lines += [f"        case {m.ordinal}: return dispatch_{m.name}(message);" for m in interface.methods]
    lines += ["        default: return message.refuse();", "        }", "    }", "", "private:"]
    for method in interface.methods:
        lines += indent(dispatch_method(program, method), 1)
    lines += ["};"]
    return lines


def request_struct(method: Method) -> list[str]:
    c = method.camel_name
    if not method.arguments:
        return [f"struct {c}Request {{}};"]
    return [f"struct {c}Request {{"] + [f"    {request_member(f)}" for f in method.arguments] + ["};"]


def responder(program: Program, method: Method) -> list[str]:
    reply = message_layout(program, method.results)
    parameters = ", ".join(f"{parameter_type(f)} {identifier(f.name)}" for f in method.results)
    lines = [f"class {method.camel_name}Responder : public sdk::Responder {{", "public:", "    using Responder::Responder;"]
    lines.append(f"    void reply({parameters}) {{")
    for check in length_checks(reply):
        lines.append(f"        if ({check}) [[unlikely]] return fail(Error::message_too_large);")
    lines.append(f"        sdk::OutgoingReply reply_({total_size(reply)});")
    lines += indent(put_fields(reply, method.results, "reply_"), 2)
    lines.append("        bool const is_sent_ = finish(reply_);" if reply.handles else "        finish(reply_);")
    if reply.handles:
        lines += ["        if (is_sent_) {"]
        lines += [f"            (void){identifier(f.name)}.release();" for f in method.results if f.type.kind == "handle"]
        lines += ["        }"]
    lines += ["    }", "};"]
    return lines


def dispatch_method(program: Program, method: Method) -> list[str]:
    request = message_layout(program, method.arguments)
    c = method.camel_name
    lines = [f"void dispatch_{method.name}(sdk::IncomingMessage& message) {{", f"    {c}Request request_;"]
    body = get_fields(program, request, method.arguments, "message", lambda f: f"request_.{identifier(f.name)}", "return message.refuse();", True)
    lines += indent(body, 1)
    lines += [f"    {method.name}(message.caller(), request_, {c}Responder(message.take_reply()));", "}"]
    return lines

