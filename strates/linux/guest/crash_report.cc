#include "strates/linux/guest/crash_report.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "sdk/log.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/process.h"

namespace astrata::linux_abi {
namespace {

void log_registers(RestrictedState const& state) {
    constexpr std::size_t per_line = 4;
    auto const registers = std::span(machine::named_registers);
    for (std::size_t first = 0; first < registers.size(); first += per_line) {
        TextBuffer<128> line;
        for (auto const& [name, place] : registers.subspan(first, std::min(per_line, registers.size() - first)))
            line.append("  ").append(name).append(' ').hex(state.*place, 16);
        sdk::write_log_line(line.view());
    }
}

void log_code(std::uint64_t instruction) {
    std::array<std::byte, 16> code;
    auto count = copy_some_from_guest(code, {instruction});
    TextBuffer<80> line;
    line.append("  code ");
    for (auto value : std::span(code).first(count))
        line.hex(static_cast<std::uint64_t>(value), 2).append(' ');
    sdk::write_log_line(count == 0 ? std::string_view("  code not readable") : line.view());
}

void log_mappings(Memory& memory, std::uint64_t instruction, std::uint64_t stack, std::uint64_t fault) {
    // All of a small program; of a large one those that matter.
    constexpr int all_of = 24;
    int count = 0;
    memory.for_each_region([&](Region const&) { ++count; });
    memory.for_each_region([&](Region const& region) {
        if (count > all_of && !region.contains(instruction) && !region.contains(stack) && !region.contains(fault))
            return;
        TextBuffer<256> line;
        line.append("  ").hex(region.start, 12).append('-').hex(region.end, 12).append(' ');
        line.append((region.access & protection::read) != 0 ? 'r' : '-');
        line.append((region.access & protection::write) != 0 ? 'w' : '-');
        line.append((region.access & protection::execute) != 0 ? 'x' : '-');
        line.append(region.is_shared ? 's' : 'p').append(' ').hex(region.offset, 8).append(' ');
        std::array<char, 160> name;
        if (region.backing)
            line.append(std::string_view(name.data(), region.backing->describe(name)));
        else if (region.kind == RegionKind::stack)
            line.append("[stack]");
        else if (region.kind == RegionKind::heap)
            line.append("[heap]");
        sdk::write_log_line(line.view());
    });
}

}  // namespace

void report_crash(Task& task, SignalInfo const& info) {
    auto& state = task.state();
    bool is_fault = info.code > 0;
    sdk::log("linux: ", task.name(), "[", task.id(), "] died of ", name_of(info.signal()), is_fault ? " at address " : "",
             is_fault ? Hex{info.words[0], 1} : Hex{0}, " (exception ", task.fault_vector, ", error ",
             Hex{task.fault_error}, ")");
    static_cast<void>(sys::restricted_save_bases());
    log_registers(state);
    log_code(instruction_pointer(state));
    if (auto memory = task.share_memory())
        log_mappings(*memory, instruction_pointer(state), stack_pointer(state), is_fault ? info.words[0] : 0);
}

}  // namespace astrata::linux_abi
