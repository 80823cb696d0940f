// Names for code addresses, from the symbol list in the boot archive.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace astrata::kernel {

/// Lines of `hexadecimal-address name`, ascending; borrowed for ever.
void set_kernel_symbols(std::string_view lines);

/// The address as it stands in bedrock.elf, without the image's random slide; others unchanged.
[[nodiscard]] std::uint64_t linked_address(std::uint64_t address);

struct Symbol {
    std::string_view name;      ///< empty if nothing is known
    std::uint64_t offset = 0;
};
/// `address` as it is at run time.
[[nodiscard]] Symbol find_symbol(std::uint64_t address);

/// Return addresses of the kernel frames that begin at `frame_pointer`; returns how many.
std::size_t walk_kernel_stack(std::uint64_t frame_pointer, std::span<std::uint64_t> into);

}  // namespace astrata::kernel
