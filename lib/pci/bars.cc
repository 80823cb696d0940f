#include "lib/pci/bars.h"

#include <bit>

namespace astrata::pci {

namespace {

constexpr std::uint16_t register_of(unsigned index) {
    return static_cast<std::uint16_t>(offset::bar0 + 4 * index);
}

// What the register reads as after all ones were written; its old value is put back.
std::uint32_t probe(ConfigurationSpace& space, Address address, unsigned index) {
    auto const old = space.read32(address, register_of(index));
    space.write(address, register_of(index), 4, 0xffff'ffff);
    auto const answer = space.read32(address, register_of(index));
    space.write(address, register_of(index), 4, old);
    return answer;
}

// A size is the lowest writable address bit; anything but a run of ones above it is no base address register.
std::uint64_t size_of(std::uint64_t writable) {
    return writable & (~writable + 1);
}

}  // namespace

Bar const* BarList::find(std::uint8_t index) const {
    for (auto const& bar : *this) {
        if (bar.index == index)
            return &bar;
    }
    return nullptr;
}

BarList size_bars(ConfigurationSpace& space, Function const& function) {
    auto const address = function.address;
    auto const old_command = space.read16(address, offset::command);
    constexpr std::uint16_t decoders = command::io_decode | command::memory_decode;
    space.write(address, offset::command, 2, static_cast<std::uint16_t>(old_command & ~decoders));
    BarList list;
    for (unsigned index = 0; index < function.bar_count(); ++index) {
        auto const current = space.read32(address, register_of(index));
        auto const answer = probe(space, address, index);
        if (answer == 0 || answer == 0xffff'ffff)
            continue;
        Bar bar{.index = static_cast<std::uint8_t>(index), .is_port = (current & 1) != 0};
        if (bar.is_port) {
            // Bits 16-31 may be wired to 0: port addresses have 16 bits on the machines we run on.
            bar.size = size_of(answer & 0xfffc);
            bar.base = current & 0xfffc;
        } else {
            bar.is_64_bit = ((current >> 1) & 3) == 2;
            bar.is_prefetchable = (current & 8) != 0;
            std::uint64_t writable = answer & ~0xfu;
            bar.base = current & ~0xfu;
            if (bar.is_64_bit && index + 1 < function.bar_count()) {
                writable |= std::uint64_t{probe(space, address, index + 1)} << 32;
                bar.base |= std::uint64_t{space.read32(address, register_of(index + 1))} << 32;
                ++index;
            } else {
                bar.is_64_bit = false;
            }
            bar.size = size_of(writable);
        }
        if (bar.size != 0)
            list.bars[list.count++] = bar;
    }
    space.write(address, offset::command, 2, old_command);
    return list;
}

void assign_bar(ConfigurationSpace& space, Function const& function, Bar& bar, std::uint64_t base) {
    // The low bits are read-only; writing them as 0 is what the specification asks for.
    space.write(function.address, register_of(bar.index), 4, static_cast<std::uint32_t>(base));
    if (bar.is_64_bit)
        space.write(function.address, register_of(bar.index + 1u), 4, static_cast<std::uint32_t>(base >> 32));
    bar.base = base;
}

}  // namespace astrata::pci
