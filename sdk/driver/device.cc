#include "sdk/driver/device.h"

namespace astrata::sdk {

Result<MappedWindow> MappedWindow::map(abi::DeviceClient const& device, std::uint32_t position) {
    auto reply = TRY(device.window(position));
    if (reply.window.is_port != 0)
        return fail(Error::not_supported);
    // The object consists of whole pages; the window may begin inside the first.
    auto const shift = reply.window.base % page_size;
    MappedWindow window;
    window.mapping_ = TRY(Mapping::map(reply.region.get(), 0, align_up(shift + reply.window.length, page_size),
                                       read_write, abi::MapFlags::uncached));
    window.object_ = std::move(reply.region);
    window.registers_ = mmio::Window(window.mapping_.bytes().subspan(shift, reply.window.length));
    window.index_ = reply.window.index;
    return window;
}

std::uint32_t DeviceConfiguration::read(pci::Address, std::uint16_t offset, unsigned width) {
    return device_.read_configuration(offset, width).value_or(0xffff'ffff >> (32 - 8 * width));
}

void DeviceConfiguration::write(pci::Address, std::uint16_t offset, unsigned width, std::uint32_t value) {
    (void)device_.write_configuration(offset, width, value);  // refused writes have no effect, as on hardware
}

}  // namespace astrata::sdk
