#include "kernel/trap/backtrace.h"

#include "arch/trap_frame.h"
#include "kernel/mem/layout.h"

namespace astrata::kernel {

namespace {

constinit std::string_view symbols;

struct ParsedLine {
    std::uint64_t address = 0;
    std::string_view name;
};

ParsedLine parse(std::string_view line) {
    ParsedLine parsed;
    std::size_t i = 0;
    for (; i < line.size() && line[i] != ' '; ++i) {
        char const digit = line[i];
        auto const value = digit >= 'a' ? digit - 'a' + 10 : digit - '0';
        parsed.address = parsed.address << 4 | static_cast<std::uint64_t>(value);
    }
    parsed.name = i < line.size() ? line.substr(i + 1) : std::string_view{};
    return parsed;
}

// The line that contains position `at`.
std::string_view line_around(std::size_t at, std::size_t& begin, std::size_t& end) {
    auto const before = symbols.rfind('\n', at == 0 ? 0 : at - 1);
    begin = at == 0 || before == std::string_view::npos ? 0 : before + 1;
    end = symbols.find('\n', begin);
    if (end == std::string_view::npos)
        end = symbols.size();
    return symbols.substr(begin, end - begin);
}

bool is_kernel_stack_word(std::uint64_t address) {
    auto const start = layout::dynamic_start.value;
    bool const is_dynamic = address >= start && address < start + layout::dynamic_length;
    return (is_dynamic || address >= layout::image_start().value) && (address & 7) == 0;
}

}  // namespace

void set_kernel_symbols(std::string_view lines) {
    symbols = lines;
}

std::uint64_t linked_address(std::uint64_t address) {
    return address >= layout::image_start().value ? address - layout::image_slide() : address;
}

Symbol find_symbol(std::uint64_t address) {
    address = linked_address(address);
    // Binary search over the text; lines differ in length, so each step finds the line around the middle byte.
    std::size_t low = 0;
    std::size_t high = symbols.size();
    ParsedLine best;
    while (low < high) {
        std::size_t begin = 0;
        std::size_t end = 0;
        auto const line = parse(line_around(low + (high - low) / 2, begin, end));
        if (line.address <= address) {
            best = line;
            low = end + 1;
        } else {
            high = begin;
        }
    }
    if (best.name.empty())
        return {};
    return {.name = best.name, .offset = address - best.address};
}

std::size_t walk_kernel_stack(std::uint64_t frame_pointer, std::span<std::uint64_t> into) {
    std::size_t count = 0;
    while (count < into.size() && is_kernel_stack_word(frame_pointer)) {
#pragma clang unsafe_buffer_usage begin   // saved frame pointer and return address
        auto const* frame = reinterpret_cast<std::uint64_t const*>(frame_pointer - arch::frame_record_distance);
        auto const next = frame[0];
        auto const return_address = frame[1];
#pragma clang unsafe_buffer_usage end
        if (return_address < layout::image_start().value)
            break;
        into[count++] = return_address;
        if (next <= frame_pointer)
            break;
        frame_pointer = next;
    }
    return count;
}

}  // namespace astrata::kernel
