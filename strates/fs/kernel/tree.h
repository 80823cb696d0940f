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

/// What a node number means. Numbers are made of the CPU and the file, so that they stay the same for ever.
struct Node {
    enum class Kind : std::uint8_t { root, machine_file, cpus, cpu, cpu_file };
    Kind kind = Kind::root;
    std::uint32_t cpu = 0;    ///< cpu, cpu_file
    std::uint32_t index = 0;  ///< machine_file, cpu_file: row of its table

    [[nodiscard]] bool is_directory() const { return kind != Kind::machine_file && kind != Kind::cpu_file; }
    [[nodiscard]] std::uint64_t number() const {
        return static_cast<std::uint64_t>(kind) + 1 + (std::uint64_t{index} << 8) + (std::uint64_t{cpu} << 32);
    }
};
inline constexpr Node root{};

/// errors    not_found (no number of ours)
[[nodiscard]] Result<Node> node_of(std::uint64_t number, std::uint32_t cpus);
/// errors    not_found, not_a_directory
[[nodiscard]] Result<Node> lookup(Node const& directory, std::string_view name, std::uint32_t cpus);
/// Packs entries as FileSystem.read_directory has them, from `cursor` on, as many as fit. Returns the bytes used.
/// errors    not_a_directory
[[nodiscard]] Result<std::size_t> list(Node const& directory, std::uint64_t cursor, std::uint32_t cpus,
                                       MutableBytes into);
/// The contents of a file. `cpu` counts for a cpu_file alone.
void append_contents(TextBuilder& text, Node const& file, abi::MachineInfo const& machine, abi::CpuInfo const& cpu);

}  // namespace astrata::kernel_files
