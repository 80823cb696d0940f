#include "strates/linux/syscalls/trace.h"

#include <algorithm>
#include <string_view>

#include "abi/system_calls.h"
#include "lib/containers/text_builder.h"
#include "strates/linux/syscalls/call_table.h"

namespace astrata::linux_abi {

namespace {

constexpr std::size_t ring_bytes = 64 << 10;
constexpr std::size_t line_limit = 320;

// What programs did last. Static, since tracing has to work when memory is short.
struct Ring {
    Mutex mutex;
    std::array<char, ring_bytes> text GUARDED_BY(mutex) = {};
    std::uint64_t end GUARDED_BY(mutex) = 0;   // bytes ever written
};
constinit Ring ring;
std::atomic<TraceMode> mode = TraceMode::unknown_only;

void append(std::string_view line) {
    Lock lock(ring.mutex);
    for (char character : line)
        ring.text[ring.end++ % ring_bytes] = character;
}

void show_string(TextBuilder& line, GuestAddress address) {
    if (address.is_null()) {
        line.append("NULL");
        return;
    }
    std::array<char, 64> text;
    auto length = copy_string_from_guest(text, address);
    if (!length.has_value() && length.error() != Errno::enametoolong) {
        line.append(Hex{address.value});
        return;
    }
    line.append('"');
    for (char character : std::span(text).first(length.value_or(text.size())))
        line.append(character >= ' ' && character < 0x7f ? character : '.');
    line.append(length.has_value() ? "\"" : "\"...");
}

void show_argument(TextBuilder& line, ArgumentKind kind, std::uint64_t value) {
    switch (kind) {
    case ArgumentKind::none: return;
    case ArgumentKind::fd:
        if (static_cast<std::int32_t>(value) == -100)
            line.append("AT_FDCWD");
        else
            line.append(static_cast<std::int32_t>(value));
        return;
    case ArgumentKind::signed_word: line.append(static_cast<std::int32_t>(value)); return;
    case ArgumentKind::word: line.append(static_cast<std::uint32_t>(value)); return;
    case ArgumentKind::octal: {
        std::array<char, 24> digits;
        auto end = std::to_chars(digits.data(), std::to_address(digits.end()), static_cast<std::uint32_t>(value), 8).ptr;
        line.append('0').append(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
        return;
    }
    case ArgumentKind::signed_long: line.append(static_cast<std::int64_t>(value)); return;
    case ArgumentKind::unsigned_long: line.append(value); return;
    case ArgumentKind::flags: line.append(Hex{value}); return;
    case ArgumentKind::signal: line.append(name_of(static_cast<Signal>(value))); return;
    case ArgumentKind::string: show_string(line, {value}); return;
    case ArgumentKind::address:
    case ArgumentKind::bytes_in:
    case ArgumentKind::bytes_out:
        if (value == 0)
            line.append("NULL");
        else
            line.append(Hex{value});
        return;
    }
}

void show_call(TextBuilder& line, Task& task, std::uint64_t number) {
    auto const& state = task.state();
    line.append('[').append(task.id()).append("] ");
    auto rows = call_rows();
    if (number >= rows.size() || rows[number].name.empty()) {
        line.append("call_").append(number).append("(...)");
        return;
    }
    auto const& row = rows[number];
    line.append(row.name).append('(');
    for (std::size_t index = 0; index < row.argument_count; ++index) {
        if (index != 0)
            line.append(", ");
        show_argument(line, row.arguments[index], state.*machine::roles.arguments[index]);
    }
    line.append(')');
}

void show_result(TextBuilder& line, std::uint64_t number, std::int64_t result) {
    line.append(" = ");
    if (result < 0 && result >= -4095) {
        auto error = static_cast<Errno>(-result);
        line.append("-1 ").append(name_of(error));
        return;
    }
    auto rows = call_rows();
    bool is_address = number < rows.size() && rows[number].result == ResultKind::address;
    if (is_address)
        line.append(Hex{static_cast<std::uint64_t>(result)});
    else
        line.append(result);
}

// Before the call, since its pointers may lead elsewhere afterwards.
void trace_entry(Task& task, std::uint64_t number) {
    TextBuffer<line_limit> line;
    show_call(line, task, number);
    line.append(" ...\n");
    append(line.view());
}

void trace_exit(Task& task, std::uint64_t number, std::int64_t result) {
    TextBuffer<line_limit> line;
    auto rows = call_rows();
    line.append('[').append(task.id()).append("] ");
    line.append(number < rows.size() && !rows[number].name.empty() ? rows[number].name : std::string_view("call"));
    show_result(line, number, result);
    line.append('\n');
    append(line.view());
}

std::int64_t run_traced(Task& task, RestrictedState const& state) {
    auto const number = call_number_of(state);
    trace_entry(task, number);
    auto const result = dispatch_call(call_handlers, task, state);
    trace_exit(task, number, result);
    return result;
}

constexpr CallHandlers detours = [] {
    CallHandlers table{};
    table.fill(run_traced);
    return table;
}();

}  // namespace

void set_trace_mode(TraceMode new_mode) {
    mode.store(new_mode, std::memory_order_relaxed);
    handlers_in_use.store(new_mode == TraceMode::all ? &detours : &call_handlers, std::memory_order_relaxed);
}

void trace_unknown(Task& task, std::uint64_t number) {
    if (mode.load(std::memory_order_relaxed) != TraceMode::unknown_only)
        return;
    TextBuffer<line_limit> line;
    show_call(line, task, number);
    line.append(" = -1 ENOSYS\n");
    append(line.view());
}

std::uint64_t read_trace(std::uint64_t position, MutableBytes into, std::size_t& count) {
    Lock lock(ring.mutex);
    auto oldest = ring.end > ring_bytes ? ring.end - ring_bytes : 0;
    position = std::clamp(position, oldest, ring.end);
    count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), ring.end - position));
    for (auto& target : into.first(count))
        target = static_cast<std::byte>(ring.text[position++ % ring_bytes]);
    return position;
}

}  // namespace astrata::linux_abi
