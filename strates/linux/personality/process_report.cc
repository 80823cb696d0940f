#include "strates/linux/personality/process_report.h"

#include <algorithm>
#include <array>

#include "strates/linux/memory/memory.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/times.h"

namespace astrata::linux_abi {
namespace {

// The arguments as the program's memory has them now, separated by blanks.
std::string_view read_command(Memory& memory, std::span<char> into) {
    auto layout = memory.layout();
    auto wanted = std::min<std::size_t>(layout.arguments_end - layout.arguments_start, into.size());
    auto count = memory.read(layout.arguments_start, std::as_writable_bytes(into.first(wanted)));
    auto text = into.first(std::min(count, wanted));
    std::ranges::replace(text, '\0', ' ');
    while (!text.empty() && text.back() == ' ')
        text = text.first(text.size() - 1);
    return {text.data(), text.size()};
}

}  // namespace

std::optional<abi::LinuxProcessInfo> next_process_report(std::uint32_t after) {
    abi::LinuxProcessInfo report{};
    RefOrNull<Memory> memory;
    {
        Lock lock(process_table().mutex);
        auto* process = process_table().next_process(after);
        if (process == nullptr)
            return std::nullopt;
        report.pid = process->id;
        report.parent = process->parent_id.load(std::memory_order_relaxed);
        report.group = process->group->id;
        report.session = process->group->session->id;
        report.uid = process->owner.load(std::memory_order_relaxed);
        report.threads = process->task_count;
        report.start_ns = process->start_ns;
        report.state = process->is_zombie ? 'Z' : 'S';
        if (process->group->session->terminal)
            report.terminal = process->group->session->terminal->device_number();
        report.user_ns = process_usage(*process).cpu_ns;
        report.name = abi::Text<16>::from(process->is_init() ? "init" : "");
        if (auto* task = process->tasks.front()) {
            report.name = abi::Text<16>::from(task->name());
            report.state = static_cast<std::uint32_t>(task->run_state.load(std::memory_order_relaxed));
            memory = task->share_memory();
        }
    }
    if (memory) {
        report.virtual_bytes = memory->virtual_bytes();
        report.resident_bytes = memory->resident_bytes();
        std::array<char, 128> command;
        report.command = abi::Text<128>::from(read_command(*memory, command));
    }
    return report;
}

}  // namespace astrata::linux_abi
