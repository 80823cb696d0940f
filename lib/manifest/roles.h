// Roles: the numbers by which a start block names the handles that a manifest lists. They count from 1 through
// provides, needs, the device, resources and privileges, in the manifest's order; emit_manifest.py counts the same way.
#pragma once

#include <cstdint>

#include "lib/manifest/manifest.h"

namespace astrata::manifest {

inline constexpr std::uint32_t need_endpoint = 0;   ///< index of a need's endpoint
inline constexpr std::uint32_t need_restarted = 1;  ///< index of a need's notification

constexpr std::uint32_t role_of_provide(std::size_t position) {
    return 1 + static_cast<std::uint32_t>(position);
}
inline std::uint32_t role_of_need(Manifest const& manifest, std::size_t position) {
    return role_of_provide(manifest.provides.size() + position);
}
inline std::uint32_t role_of_device(Manifest const& manifest) {
    return role_of_need(manifest, manifest.needs.size());
}
inline std::uint32_t role_of_resource(Manifest const& manifest, std::size_t position) {
    return role_of_device(manifest) + (manifest.devices.is_empty() ? 0 : 1) + static_cast<std::uint32_t>(position);
}
/// `privilege` must be one that the manifest has.
inline std::uint32_t role_of_privilege(Manifest const& manifest, Privilege privilege) {
    auto const below = manifest.privileges & (static_cast<std::uint32_t>(privilege) - 1);
    return role_of_resource(manifest, manifest.resources.size()) +
           static_cast<std::uint32_t>(__builtin_popcount(below));
}

}  // namespace astrata::manifest
