#include "kernel/arch/aarch64/machine.h"

#include <algorithm>
#include <cstring>

#include "arch/direct_map.h"
#include "lib/devicetree/interrupts.h"

namespace astrata::kernel::arch {

constinit Machine machine;

namespace {

using devicetree::Node;
using devicetree::Tree;

constexpr PhysAddr early_map_end{std::uint64_t{4} << 30};

Bytes early_bytes(PhysAddr address, std::size_t length) {
#pragma clang unsafe_buffer_usage begin  // the early direct map
    return {phys_to_virt(address), length};
#pragma clang unsafe_buffer_usage end
}

void add_range(BootInfo& info, PhysAddr start, std::uint64_t length, MemoryKind kind) {
    if (info.range_count < info.range_storage.size() && length != 0)
        info.range_storage[info.range_count++] = {.start = start, .length = length, .kind = kind};
}

template <typename Visit>
void for_each_child(Tree const& tree, std::optional<Node> parent, Visit visit) {
    for (auto node = parent ? tree.first_child(*parent) : std::nullopt; node; node = tree.next_sibling(*node))
        visit(*node);
}

void read_memory(Tree const& tree, BootInfo& info) {
    for_each_child(tree, tree.root(), [&](Node node) {
        if (tree.text(node, "device_type") != "memory" || !tree.is_enabled(node))
            return;
        for (std::size_t index = 0;; ++index) {
            auto const region = tree.registers(node, index);
            if (!region)
                return;
            add_range(info, region->start, region->length, MemoryKind::usable);
        }
    });
    for_each_child(tree, tree.at("/reserved-memory"), [&](Node node) {
        if (auto const region = tree.registers(node); region)
            add_range(info, region->start, region->length, MemoryKind::reserved);
    });
}

void read_chosen(Tree const& tree, BootInfo& info) {
    auto const chosen = tree.at("/chosen");
    if (!chosen)
        return;
    auto const text = tree.text(*chosen, "bootargs");
    info.command_line_length = std::min(text.size(), info.command_line_storage.size());
    std::copy_n(text.begin(), info.command_line_length, info.command_line_storage.begin());
    auto const start = tree.number(*chosen, "linux,initrd-start").value_or(0);
    auto const end = tree.number(*chosen, "linux,initrd-end").value_or(0);
    if (start < end) {
        info.archive_start = {start};
        info.archive_length = end - start;
    }
    auto const seed = std::as_writable_bytes(std::span(machine.seed));
    std::size_t used = 0;
    for (auto const* name : {"rng-seed", "kaslr-seed"}) {
        auto const given = tree.property(*chosen, name).value_or(Bytes{});
        auto const count = std::min(given.size(), seed.size() - used);
        std::ranges::copy(given.first(count), seed.subspan(used).begin());
        used += count;
    }
    auto const path = tree.text(*chosen, "stdout-path");
    if (auto const console = tree.at(path.substr(0, path.find(':')));
        console && tree.is_compatible(*console, "arm,pl011")) {
        if (auto const registers = tree.registers(*console); registers)
            machine.console = registers->start;
    }
}

void read_processors(Tree const& tree) {
    for_each_child(tree, tree.at("/cpus"), [&](Node node) {
        auto const affinity = tree.number(node, "reg");
        if (tree.text(node, "device_type") == "cpu" && affinity && tree.is_enabled(node) &&
            machine.processor_count < machine.processors.size())
            machine.processors[machine.processor_count++] = *affinity;
    });
    for (auto const* kind : {"arm,psci-1.0", "arm,psci-0.2"}) {
        auto const node = tree.find_compatible(kind);
        if (!node)
            continue;
        machine.firmware_call =
            tree.text(*node, "method") == "smc" ? FirmwareCall::secure_monitor : FirmwareCall::hypervisor;
        break;
    }
}

devicetree::Region registers_of(Tree const& tree, std::optional<Node> node, std::size_t index = 0) {
    return node ? tree.registers(*node, index).value_or(devicetree::Region{}) : devicetree::Region{};
}

void read_interrupts(Tree const& tree) {
    auto controller = tree.find_compatible("arm,gic-v3");
    machine.has_redistributors = controller.has_value();
    for (auto const* kind : {"arm,cortex-a15-gic", "arm,gic-400"}) {
        if (!controller)
            controller = tree.find_compatible(kind);
    }
    machine.distributor = registers_of(tree, controller);
    (machine.has_redistributors ? machine.redistributors : machine.interface) = registers_of(tree, controller, 1);
    machine.translation = registers_of(tree, tree.find_compatible("arm,gic-v3-its"));
    machine.message_frame = registers_of(tree, tree.find_compatible("arm,gic-v2m-frame"));
    // The third of secure, physical, virtual and hypervisor timer.
    if (auto const timer = tree.find_compatible("arm,armv8-timer"); timer) {
        if (auto const line = devicetree::interrupt_of(tree, *timer, 2); line)
            machine.timer_line = line->line;
    }
}

}  // namespace

bool read_machine(PhysAddr address, BootInfo& info) {
    constexpr std::size_t header_length = 64;
    if (address.value == 0 || address + header_length > early_map_end)
        return false;
    auto const length = Tree::length_of(early_bytes(address, header_length));
    if (!length || address + *length > early_map_end)
        return false;
    auto const tree = Tree::open(early_bytes(address, *length));
    if (!tree)
        return false;
    read_memory(*tree, info);
    add_range(info, address, *length, MemoryKind::reserved);
    info.devicetree_start = address;
    info.devicetree_length = *length;
    read_chosen(*tree, info);
    read_processors(*tree);
    read_interrupts(*tree);
    return true;
}

}  // namespace astrata::kernel::arch
