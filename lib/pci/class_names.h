// Names of device classes (PCI Code and ID Assignment 1.11), for people.
#pragma once

#include <cstdint>
#include <string_view>

namespace astrata::pci {

/// The most precise name we have for class<<16 | subclass<<8 | interface: "NVMe controller", else "Mass storage
/// device", else "Device of unknown class".
[[nodiscard]] std::string_view class_name(std::uint32_t class_code);

}  // namespace astrata::pci
