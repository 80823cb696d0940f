// Where the parts of the kernel half lie: at random places within their regions (layout.h), so that who finds a way to
// read or write at an address of its choice does not know which address to choose.
#pragma once

#include <cstdint>

#include "kernel/mem/layout.h"
#include "lib/crypto/chacha20.h"

namespace astrata::kernel {

/// By default everything lies at the beginning of its region, and the image where it was linked: `nokaslr`.
struct Placement {
    VirtAddr image = layout::image_region;
    VirtAddr direct_map = layout::direct_map_region;
    VirtAddr hosted = layout::hosted_region;
    VirtAddr dynamic = layout::dynamic_region;
    std::uint64_t stacks_offset = 0;   ///< of the first stack, in the dynamic area's lower half
    std::uint64_t devices_offset = 0;  ///< of the first device, in its upper half
};

// What the offsets leave free behind them.
inline constexpr std::uint64_t stacks_room = std::uint64_t{1} << 30;
inline constexpr std::uint64_t devices_room = std::uint64_t{128} << 30;

/// `image_bytes` from layout::image on to the image's end. All of the key should be unpredictable.
[[nodiscard]] Placement choose_placement(crypto::ChaChaKey const& key, std::uint64_t image_bytes);

}  // namespace astrata::kernel
