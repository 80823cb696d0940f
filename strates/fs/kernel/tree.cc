#include "strates/fs/kernel/tree.h"

#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace astrata::kernel_files {

namespace {

template <typename Info>
struct Counter {
    std::string_view name;
    std::uint64_t Info::* value;
};

using MachineCounter = Counter<abi::MachineInfo>;
using CpuCounter = Counter<abi::CpuInfo>;

constexpr auto events = std::to_array<MachineCounter>({
    {"context_switches", &abi::MachineInfo::context_switches},
    {"interrupts", &abi::MachineInfo::interrupts},
    {"system_calls", &abi::MachineInfo::system_calls},
    {"page_faults", &abi::MachineInfo::page_faults},
    {"ipc_calls", &abi::MachineInfo::ipc_calls},
});

constexpr auto memory = std::to_array<MachineCounter>({
    {"total", &abi::MachineInfo::memory_total},
    {"free", &abi::MachineInfo::memory_free},
    {"user", &abi::MachineInfo::memory_user},
    {"kernel", &abi::MachineInfo::memory_kernel},
    {"page_tables", &abi::MachineInfo::memory_page_tables},
    {"boot", &abi::MachineInfo::memory_boot},
    {"large", &abi::MachineInfo::memory_large},
});

constexpr auto cpu_files = std::to_array<CpuCounter>({
    {"interrupts", &abi::CpuInfo::interrupts},
    {"timer_interrupts", &abi::CpuInfo::timer_interrupts},
    {"switches", &abi::CpuInfo::switches},
    {"system_calls", &abi::CpuInfo::system_calls},
    {"page_faults", &abi::CpuInfo::page_faults},
    {"ipc_calls", &abi::CpuInfo::ipc_calls},
    {"tlb_shootdowns", &abi::CpuInfo::tlb_shootdowns},
    {"idle_ns", &abi::CpuInfo::idle_ns},
    {"busy_ns", &abi::CpuInfo::busy_ns},
});

struct NodeFile {
    std::string_view name;
    void (*append)(TextBuilder&, abi::NodeInfo const&);
};

template <std::uint64_t abi::NodeInfo::* value>
void append_value(TextBuilder& text, abi::NodeInfo const& node) {
    text.append(node.*value).append('\n');
}
void append_cpus(TextBuilder& text, abi::NodeInfo const& node) {
    text.bit_list(node.cpus).append('\n');
}

constexpr auto numa_node_files = std::to_array<NodeFile>({
    {"total", append_value<&abi::NodeInfo::memory_total>},
    {"free", append_value<&abi::NodeInfo::memory_free>},
    {"local_allocations", append_value<&abi::NodeInfo::local_allocations>},
    {"remote_allocations", append_value<&abi::NodeInfo::remote_allocations>},
    {"cpus", append_cpus},
});

void append_rows(TextBuilder& text, std::span<MachineCounter const> rows, abi::MachineInfo const& machine) {
    for (auto const& [name, value] : rows)
        text.append(name).append(' ').append(machine.*value).append('\n');
}

void append_counters(TextBuilder& text, abi::MachineInfo const& machine) {
    append_rows(text, events, machine);
}
void append_memory(TextBuilder& text, abi::MachineInfo const& machine) {
    append_rows(text, memory, machine);
}
void append_uptime(TextBuilder& text, abi::MachineInfo const& machine) {
    text.append(machine.uptime_ns).append('\n');
}
void append_cpus_online(TextBuilder& text, abi::MachineInfo const& machine) {
    text.append(machine.cpus_online).append(" of ").append(machine.cpus).append('\n');
}
void append_command_line(TextBuilder& text, abi::MachineInfo const& machine) {
    text.append(machine.command_line.view()).append('\n');
}

struct MachineFile {
    std::string_view name;
    void (*append)(TextBuilder&, abi::MachineInfo const&);
};
constexpr auto machine_files = std::to_array<MachineFile>({
    {"counters", append_counters},
    {"memory", append_memory},
    {"uptime_ns", append_uptime},
    {"cpus_online", append_cpus_online},
    {"command_line", append_command_line},
});

using Kind = Node::Kind;

// What a directory holds besides . and ..
std::uint32_t child_count(Node const& directory, Units const& units) {
    switch (directory.kind) {
    case Kind::root: return machine_files.size() + 2;
    case Kind::cpus: return units.cpus;
    case Kind::numa_nodes: return units.numa_nodes;
    case Kind::numa_node: return numa_node_files.size();
    default: return cpu_files.size();
    }
}

Node child(Node const& directory, std::uint32_t position) {
    switch (directory.kind) {
    case Kind::root:
        return position == 0   ? Node{.kind = Kind::cpus}
               : position == 1 ? Node{.kind = Kind::numa_nodes}
                               : Node{.kind = Kind::machine_file, .index = position - 2};
    case Kind::cpus: return {.kind = Kind::cpu, .unit = position};
    case Kind::numa_nodes: return {.kind = Kind::numa_node, .unit = position};
    case Kind::numa_node: return {.kind = Kind::numa_node_file, .unit = directory.unit, .index = position};
    default: return {.kind = Kind::cpu_file, .unit = directory.unit, .index = position};
    }
}

Node parent(Node const& directory) {
    return directory.kind == Kind::cpu         ? Node{.kind = Kind::cpus}
           : directory.kind == Kind::numa_node ? Node{.kind = Kind::numa_nodes}
                                               : root;
}

void append_name(TextBuilder& text, Node const& node) {
    switch (node.kind) {
    case Kind::root: return;
    case Kind::cpus: text.append("cpu"); return;
    case Kind::numa_nodes: text.append("node"); return;
    case Kind::cpu:
    case Kind::numa_node: text.append(node.unit); return;
    case Kind::machine_file: text.append(machine_files[node.index].name); return;
    case Kind::cpu_file: text.append(cpu_files[node.index].name); return;
    case Kind::numa_node_file: text.append(numa_node_files[node.index].name); return;
    }
}

// How many files of the kind each unit has, and how many units.
std::pair<std::size_t, std::uint32_t> bounds(Kind kind, Units const& units) {
    switch (kind) {
    case Kind::root:
    case Kind::cpus:
    case Kind::numa_nodes: return {1, 1};
    case Kind::machine_file: return {machine_files.size(), 1};
    case Kind::cpu: return {1, units.cpus};
    case Kind::cpu_file: return {cpu_files.size(), units.cpus};
    case Kind::numa_node: return {1, units.numa_nodes};
    case Kind::numa_node_file: return {numa_node_files.size(), units.numa_nodes};
    }
    return {};
}

class Packer {
public:
    explicit Packer(MutableBytes into) : into_(into) {}
    bool add(Node const& node, std::uint64_t next, std::string_view name) {
        constexpr std::size_t head = 18;
        if (into_.size() - used_ < head + name.size())
            return false;
        put(node.number(), 8);
        put(next, 8);
        put(static_cast<std::uint64_t>(node.is_directory() ? abi::NodeKind::directory : abi::NodeKind::file), 1);
        put(name.size(), 1);
        std::ranges::copy(as_bytes(name), into_.subspan(used_).begin());
        used_ += name.size();
        return true;
    }
    [[nodiscard]] std::size_t used() const { return used_; }

private:
    void put(std::uint64_t value, std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; ++i)
            into_[used_++] = static_cast<std::byte>(value >> (8 * i));
    }
    MutableBytes into_;
    std::size_t used_ = 0;
};

}  // namespace

Result<Node> node_of(std::uint64_t number, Units const& units) {
    auto const kind = number & 0xff;
    if (kind == 0 || kind > static_cast<std::uint64_t>(Kind::numa_node_file) + 1)
        return fail(Error::not_found);
    Node const node{.kind = static_cast<Kind>(kind - 1),
                    .unit = static_cast<std::uint32_t>(number >> 32),
                    .index = static_cast<std::uint32_t>(number) >> 8};
    auto const [rows, count] = bounds(node.kind, units);
    if (node.index >= rows || node.unit >= count)
        return fail(Error::not_found);
    return node;
}

Result<Node> lookup(Node const& directory, std::string_view name, Units const& units) {
    if (!directory.is_directory())
        return fail(Error::not_a_directory);
    if (name == ".")
        return directory;
    if (name == "..")
        return parent(directory);
    for (std::uint32_t position = 0; position < child_count(directory, units); ++position) {
        auto const node = child(directory, position);
        TextBuffer<32> known;
        append_name(known, node);
        if (known.view() == name)
            return node;
    }
    return fail(Error::not_found);
}

Result<std::size_t> list(Node const& directory, std::uint64_t cursor, Units const& units, MutableBytes into) {
    if (!directory.is_directory())
        return fail(Error::not_a_directory);
    Packer packer(into);
    if (cursor == 0 && !packer.add(directory, 1, "."))
        return packer.used();
    if (cursor <= 1 && !packer.add(parent(directory), 2, ".."))
        return packer.used();
    for (auto position = cursor < 2 ? 0 : cursor - 2; position < child_count(directory, units); ++position) {
        auto const node = child(directory, static_cast<std::uint32_t>(position));
        TextBuffer<32> name;
        append_name(name, node);
        if (!packer.add(node, position + 3, name.view()))
            break;
    }
    return packer.used();
}

void append_contents(TextBuilder& text, Node const& file, Facts const& facts) {
    if (file.kind == Kind::machine_file)
        machine_files[file.index].append(text, facts.machine);
    else if (file.kind == Kind::cpu_file)
        text.append(facts.cpu.*cpu_files[file.index].value).append('\n');
    else if (file.kind == Kind::numa_node_file)
        numa_node_files[file.index].append(text, facts.numa_node);
}

}  // namespace astrata::kernel_files
