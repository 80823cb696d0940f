// What a strate provides, needs and may touch: the decoded form of its manifest file.
#pragma once

#include <cstdint>
#include <string_view>

#include "abi/silo_manager_types.h"
#include "abi/text.h"
#include "lib/base/bytes.h"
#include "lib/containers/static_vector.h"

namespace astrata::manifest {

using Name = abi::Text<32>;  // at most 31 characters

enum class Start : std::uint32_t { boot = 0, demand = 1, device = 2, first = 3 };
enum class Restart : std::uint32_t { always = 0, on_failure = 1, never = 2 };

enum class Privilege : std::uint32_t { root_silo = 1 << 0, silo_manager = 1 << 1, dma = 1 << 2, entropy = 1 << 3 };

struct Provide {
    Name interface;
    Name scheme;
};

struct Need {
    Name interface;
    Name name;
    Name scheme;  // "@..." is a parameter, bound by whoever starts the instance
    bool is_optional = false;

    [[nodiscard]] bool is_parameter() const { return scheme.view().starts_with('@'); }
};

enum class DeviceKind : std::uint32_t { pci = 0, pci_class = 1, virtio = 2, platform = 3 };

struct DeviceMatch {
    DeviceKind kind = DeviceKind::pci;
    std::uint32_t vendor = 0;      // pci
    std::uint32_t device = 0;      // pci; virtio device id
    std::uint32_t class_code = 0;  // pci_class, compared under the mask
    std::uint32_t class_mask = 0;
    Name name;  // platform
};

enum class ResourceKind : std::uint32_t { port = 0, memory = 1, interrupt = 2, boot_archive = 3, kernel_log = 4 };

struct Resource {
    ResourceKind kind = ResourceKind::port;
    std::uint64_t first = 0;
    std::uint64_t length = 0;  // 0: all there is
    Name name;
};

struct Manifest {
    Name name;
    abi::IsolationMode isolation = abi::IsolationMode::user;
    Start start = Start::demand;
    Restart restart = Restart::on_failure;
    std::uint64_t memory_limit = 0;  // bytes, 0: none of its own
    std::uint32_t thread_limit = 0;
    std::uint32_t cpu_percent = 0;  // of one CPU's time, 0: no quota
    std::uint32_t cpu_weight = 0;   // 0: the standard
    std::uint32_t privileges = 0;  // of Privilege
    StaticVector<Provide, 8> provides;
    StaticVector<Need, 16> needs;
    StaticVector<DeviceMatch, 16> devices;
    StaticVector<Resource, 16> resources;

    [[nodiscard]] bool has(Privilege privilege) const {
        return (privileges & static_cast<std::uint32_t>(privilege)) != 0;
    }

    /// errors    corrupt (lengths, counts, names or enumerators that make no sense), not_supported (another version)
    [[nodiscard]] static Result<Manifest> decode(Bytes bytes);
};

/// Roles in the start block of the first process, the silo manager, which Bedrock writes: the resources of
/// strates/silo-manager/strate.toml in their order. Its own silo is the root silo, its own log Bedrock's.
inline constexpr std::uint32_t first_process_role_archive = 1;
inline constexpr std::uint32_t first_process_role_ports = 2;
inline constexpr std::uint32_t first_process_role_memory = 3;
inline constexpr std::uint32_t first_process_role_interrupts = 4;

}  // namespace astrata::manifest
