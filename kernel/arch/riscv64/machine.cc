#include "kernel/arch/riscv64/machine.h"

#include <algorithm>
#include <span>

#include "arch/direct_map.h"
#include "arch/paging.h"
#include "lib/devicetree/tree.h"

namespace astrata::kernel::arch {

constinit Machine machine;

namespace {

using devicetree::Cells;
using devicetree::Node;
using devicetree::Tree;

// Through the early direct map.
Bytes early_bytes(PhysAddr address, std::uint64_t length) {
#pragma clang unsafe_buffer_usage begin
    return Bytes(phys_to_virt(address), length);
#pragma clang unsafe_buffer_usage end
}

void add_range(BootInfo& info, std::uint64_t start, std::uint64_t length, MemoryKind kind) {
    if (info.range_count < info.range_storage.size() && length != 0)
        info.range_storage[info.range_count++] = {.start = {start}, .length = length, .kind = kind};
}

void add_registers(BootInfo& info, Tree const& tree, Node node, MemoryKind kind) {
    for (std::size_t index = 0;; ++index) {
        auto const region = tree.registers(node, index);
        if (!region)
            return;
        add_range(info, region->start.value, region->length, kind);
    }
}

template <typename Visit>
void for_each_child(Tree const& tree, Node node, Visit visit) {
    for (auto child = tree.first_child(node); child; child = tree.next_sibling(*child))
        visit(*child);
}

void read_memory(Tree const& tree, BootInfo& info) {
    for_each_child(tree, tree.root(), [&](Node node) {
        if (tree.text(node, "device_type") == "memory" && tree.is_enabled(node))
            add_registers(info, tree, node, MemoryKind::usable);
    });
    if (auto const reserved = tree.at("/reserved-memory"))
        for_each_child(tree, *reserved, [&](Node node) { add_registers(info, tree, node, MemoryKind::reserved); });
    // The reservation block (Devicetree Specification 0.4, section 5.3), which the fifth word of the header tells.
    Cells header(tree.blob().first(40));
    if (!header.skip(4))
        return;
    Cells reservations(tree.blob().subspan(header.take().value_or(tree.blob().size())));
    for (;;) {
        auto const start = reservations.take(2);
        auto const length = reservations.take(2);
        if (!start || !length || *length == 0)
            return;
        add_range(info, *start, *length, MemoryKind::reserved);
    }
}

void read_chosen(Tree const& tree, BootInfo& info) {
    auto const chosen = tree.at("/chosen");
    if (!chosen)
        return;
    auto const line = tree.text(*chosen, "bootargs").substr(0, info.command_line_storage.size());
    std::ranges::copy(line, info.command_line_storage.begin());
    info.command_line_length = line.size();
    auto const start = tree.number(*chosen, "linux,initrd-start");
    auto const end = tree.number(*chosen, "linux,initrd-end");
    if (start && end && *end > *start) {
        info.archive_start = {*start};
        info.archive_length = *end - *start;
    }
    Cells seed(tree.property(*chosen, "rng-seed").value_or(Bytes{}));
    while (machine.seed_words < machine.seed.size()) {
        auto const word = seed.take(2);
        if (!word)
            return;
        machine.seed[machine.seed_words++] = *word;
    }
}

// "rv64imafdch_zicsr_sstc": single letters up to the first underscore, then names.
bool has_extension(std::string_view isa, std::string_view name) {
    auto const letters = isa.substr(0, isa.find('_'));
    if (name.size() == 1)
        return letters.size() > 4 && letters.substr(4).contains(name);
    for (auto at = isa.find('_'); at != std::string_view::npos; at = isa.find('_', at + 1)) {
        auto const rest = isa.substr(at + 1);
        if (rest.substr(0, rest.find('_')) == name)
            return true;
    }
    return false;
}

void read_processor(Tree const& tree, Node node) {
    auto const number = tree.number(node, "reg");
    if (tree.text(node, "device_type") != "cpu" || !number || !tree.is_enabled(node) ||
        machine.hart_count == machine.harts.size())
        return;
    auto& hart = machine.harts[machine.hart_count++];
    hart.number = static_cast<std::uint32_t>(*number);
    for_each_child(tree, node, [&](Node child) {
        if (tree.is_compatible(child, "riscv,cpu-intc"))
            hart.interrupt_controller = static_cast<std::uint32_t>(tree.number(child, "phandle").value_or(0));
    });
    // All harts of the machines we run on are alike.
    auto const isa = tree.text(node, "riscv,isa");
    machine.has_timer_compare = has_extension(isa, "sstc");
    machine.has_floats = has_extension(isa, "d");
    has_page_memory_types = has_extension(isa, "svpbmt");
}

void read_processors(Tree const& tree) {
    auto const processors = tree.at("/cpus");
    if (!processors)
        return;
    machine.counter_hz = tree.number(*processors, "timebase-frequency").value_or(0);
    for_each_child(tree, *processors, [&](Node node) { read_processor(tree, node); });
}

// "interrupts-extended" has pairs of a hart's own controller and its interrupt there: one for each context, in their
// order.
void read_plic(Tree const& tree) {
    constexpr std::uint64_t supervisor_external = 9;
    auto node = tree.find_compatible("sifive,plic-1.0.0");
    if (!node)
        node = tree.find_compatible("riscv,plic0");
    auto const registers = node ? tree.registers(*node) : fail(Error::not_found);
    if (!registers)
        return;
    machine.plic = registers->start;
    machine.plic_length = registers->length;
    machine.plic_sources = static_cast<std::uint32_t>(tree.number(*node, "riscv,ndev").value_or(0));
    Cells contexts(tree.property(*node, "interrupts-extended").value_or(Bytes{}));
    for (std::uint32_t context = 0;; ++context) {
        auto const controller = contexts.take();
        auto const interrupt = contexts.take();
        if (!controller || !interrupt)
            return;
        for (auto& hart : std::span(machine.harts).first(machine.hart_count)) {
            if (hart.interrupt_controller == *controller && *interrupt == supervisor_external)
                hart.plic_context = context;
        }
    }
}

void read_serial(Tree const& tree, BootInfo& info) {
    auto const node = tree.find_compatible("ns16550a");
    auto const registers = node ? tree.registers(*node) : fail(Error::not_found);
    if (!registers)
        return;
    machine.serial = registers->start;
    machine.serial_shift = static_cast<unsigned>(tree.number(*node, "reg-shift").value_or(0));
    // So that the direct map shows it (early_serial.cc).
    add_range(info, align_down(machine.serial.value, page_size), page_size, MemoryKind::reserved);
}

}  // namespace

Result<> read_machine(PhysAddr address, BootInfo& info) {
    constexpr std::uint64_t header_bytes = 40;
    auto const length = TRY(Tree::length_of(early_bytes(address, header_bytes)));
    auto const tree = TRY(Tree::open(early_bytes(address, length)));
    read_memory(tree, info);
    read_chosen(tree, info);
    read_processors(tree);
    read_plic(tree);
    read_serial(tree, info);
    add_range(info, address.value, length, MemoryKind::reserved);
    info.devicetree_start = address;
    info.devicetree_length = length;
    return {};
}

}  // namespace astrata::kernel::arch
