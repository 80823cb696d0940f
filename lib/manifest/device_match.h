// Which devices a driver's manifest is for.
#pragma once

#include <algorithm>

#include "abi/device_types.h"
#include "lib/manifest/manifest.h"

namespace astrata::manifest {

/// How closely a device is described: an exact id beats a class. 0: no match.
constexpr int match_quality(DeviceMatch const& match, abi::DeviceDescription const& device) {
    switch (match.kind) {
    case DeviceKind::pci:
        return device.bus == abi::BusKind::pci && device.vendor == match.vendor && device.device == match.device ? 3
                                                                                                                 : 0;
    case DeviceKind::virtio: return device.bus == abi::BusKind::virtio_mmio && device.device == match.device ? 3 : 0;
    case DeviceKind::platform: return device.bus == abi::BusKind::platform && device.name == match.name ? 3 : 0;
    case DeviceKind::pci_class:
        if (device.bus != abi::BusKind::pci || (device.class_code & match.class_mask) != match.class_code)
            return 0;
        return match.class_mask == 0xffffff ? 2 : 1;
    }
    return 0;
}

inline int match_quality(Manifest const& manifest, abi::DeviceDescription const& device) {
    int best = 0;
    for (auto const& match : manifest.devices)
        best = std::max(best, match_quality(match, device));
    return best;
}

}  // namespace astrata::manifest
