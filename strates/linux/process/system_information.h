// Facts about the silo that several calls and /proc files show.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "strates/linux/core/errno.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

inline constexpr std::string_view system_name = "Linux";
inline constexpr std::string_view system_release = "6.1.0-astrata";
inline constexpr std::string_view system_version = "#1 SMP Astrata";

/// Copies into `buffer` and returns that part.
[[nodiscard]] std::string_view host_name(std::span<char> buffer);
[[nodiscard]] std::string_view domain_name(std::span<char> buffer);
void set_host_name(std::string_view name);
void set_domain_name(std::string_view name);

/// Memory that the silo may use and does use, bytes.
struct MemoryInformation {
    std::uint64_t total = 0;
    std::uint64_t used = 0;
};
[[nodiscard]] LinuxResult<MemoryInformation> memory_information();

/// What the silo may use when its own limit does not say; given at start.
void set_machine_memory(std::uint64_t bytes);

/// A bit for each CPU in use; at least one. CPUs come and go.
[[nodiscard]] std::uint64_t online_cpu_mask();
[[nodiscard]] std::uint64_t possible_cpu_mask();

/// Nodes of the machine's memory, at least one.
[[nodiscard]] std::size_t count_nodes();
[[nodiscard]] std::uint32_t node_of_cpu(std::uint32_t cpu);

/// Runnable tasks averaged over 1, 5 and 15 minutes, in 1/65536.
[[nodiscard]] std::array<std::uint64_t, 3> load_averages();

/// Own copies of what the task shares with others by CLONE_FILES and CLONE_FS.
[[nodiscard]] LinuxResult<std::uint64_t> unshare_files(Task& task, bool files, bool fs);

}  // namespace astrata::linux_abi
