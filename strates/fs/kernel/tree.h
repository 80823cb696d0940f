// Which files there are, and their contents as text made of what Bedrock told. No system calls here.
#pragma once

#include <cstdint>
#include <string_view>

#include "abi/file_system_types.h"
#include "abi/types.h"
#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/containers/text_builder.h"

namespace astrata::kernel_files {

/// How many the machine has of what has a directory.
struct Units {
    std::uint32_t cpus = 0;
    std::uint32_t numa_nodes = 0;
};

/// What a node number means. Numbers are made of the unit and the file, so that they stay the same for ever.
struct Node {
    enum class Kind : std::uint8_t { root, machine_file, cpus, cpu, cpu_file, numa_nodes, numa_node, numa_node_file };
    Kind kind = Kind::root;
    std::uint32_t unit = 0;   ///< the CPU, or the node with memory
    std::uint32_t index = 0;  ///< files: row of its table

    [[nodiscard]] bool is_directory() const {
        return kind != Kind::machine_file && kind != Kind::cpu_file && kind != Kind::numa_node_file;
    }
    [[nodiscard]] std::uint64_t number() const {
        return static_cast<std::uint64_t>(kind) + 1 + (std::uint64_t{index} << 8) + (std::uint64_t{unit} << 32);
    }
};
inline constexpr Node root{};

/// errors    not_found (no number of ours)
[[nodiscard]] Result<Node> node_of(std::uint64_t number, Units const& units);
/// errors    not_found, not_a_directory
[[nodiscard]] Result<Node> lookup(Node const& directory, std::string_view name, Units const& units);
/// Packs entries as FileSystem.read_directory has them, from `cursor` on, as many as fit. Returns the bytes used.
/// errors    not_a_directory
[[nodiscard]] Result<std::size_t> list(Node const& directory, std::uint64_t cursor, Units const& units,
                                       MutableBytes into);
/// What contents are made of: of the machine, and of the one CPU or node whose file it is.
struct Facts {
    abi::MachineInfo machine{};
    abi::CpuInfo cpu{};
    abi::NodeInfo numa_node{};
};
void append_contents(TextBuilder& text, Node const& file, Facts const& facts);

}  // namespace astrata::kernel_files
