// Base address registers (PCI 3.0 section 6.2.5): kind, size, place.
#pragma once

#include <span>

#include "lib/pci/configuration.h"

namespace astrata::pci {

struct Bar {
    std::uint8_t index = 0;  ///< of its (first) register
    bool is_port = false;
    bool is_64_bit = false;  ///< takes the next register too
    bool is_prefetchable = false;
    std::uint64_t base = 0;  ///< 0: not assigned
    std::uint64_t size = 0;  ///< a power of two
};

/// The registers that a function implements, in order.
struct BarList {
    std::array<Bar, 6> bars{};
    std::uint8_t count = 0;

    [[nodiscard]] auto begin() const { return std::span(bars).first(count).begin(); }
    [[nodiscard]] auto end() const { return std::span(bars).first(count).end(); }
    /// The one whose register is `index`, if it is implemented.
    [[nodiscard]] Bar const* find(std::uint8_t index) const;
};

/// Sizes them by writing all ones, with the function's decoders off meanwhile; registers and command are restored. The
/// function must be idle: nobody else uses it during the call.
[[nodiscard]] BarList size_bars(ConfigurationSpace& space, Function const& function);

/// Writes a base, aligned to the size. Decoders must be off or the value unchanged.
void assign_bar(ConfigurationSpace& space, Function const& function, Bar& bar, std::uint64_t base);

}  // namespace astrata::pci
