// Enumerates a machine whose configuration space answers with arbitrary bytes.
#include <span>

#include "lib/pci/topology.h"

using namespace astrata;
using namespace astrata::pci;

namespace {

class NoisySpace final : public ConfigurationSpace {
public:
    explicit NoisySpace(std::span<std::uint8_t const> noise) : noise_(noise) {}

    std::uint32_t read(Address address, std::uint16_t offset, unsigned width) override {
        // Few devices answer, so that a scan of 65,536 functions stays short.
        if (noise_.empty() || (address.packed() * 7) % 61 != 0)
            return 0xffff'ffff;
        std::uint32_t value = 0;
        for (unsigned index = 0; index < width; ++index)
            value = value << 8 | noise_[(position_++ + offset) % noise_.size()];
        return value;
    }
    void write(Address, std::uint16_t, unsigned, std::uint32_t) override {}

private:
    std::span<std::uint8_t const> noise_;
    std::size_t position_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface is a pointer and a length
    NoisySpace space(std::span(data, size));
#pragma clang unsafe_buffer_usage end
    std::array<Device, 64> storage{};
    Enumeration result{.devices = storage};
    enumerate(space, 0, 0, 15, default_apertures(0xb000'0000, 0xc000'0000, 1 << 30), result);
    Function const host_bridge{.vendor = 0x8086, .device = 0x29c0};
    for (auto const& device : result.found()) {
        (void)find_msix(space, device.function.address);
        (void)is_protected_from_drivers(space, device.function.address, 0x44, 4);
        (void)interrupt_line_of(device, host_bridge);
    }
    return 0;
}
