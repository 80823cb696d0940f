#include "lib/pci/configuration.h"

namespace astrata::pci {

Result<Function> read_function(ConfigurationSpace& space, Address address) {
    auto const vendor = space.read16(address, offset::vendor);
    if (vendor == 0xffff || vendor == 0)
        return fail(Error::no_device);
    auto const header_type = space.read8(address, offset::header_type);
    auto const layout = header_type & 0x7f;
    if (layout > 1)
        return fail(Error::not_supported);
    auto const class_and_revision = space.read32(address, offset::revision);
    Function function{.address = address,
                      .vendor = vendor,
                      .device = space.read16(address, offset::device),
                      .class_code = class_and_revision >> 8,
                      .revision = static_cast<std::uint8_t>(class_and_revision),
                      .interrupt_line = space.read8(address, offset::interrupt_line),
                      .interrupt_pin = space.read8(address, offset::interrupt_pin),
                      .is_bridge = layout == 1,
                      .is_multifunction = (header_type & 0x80) != 0};
    if (function.interrupt_pin > 4)
        function.interrupt_pin = 0;
    if (!function.is_bridge) {
        function.subsystem_vendor = space.read16(address, offset::subsystem_vendor);
        function.subsystem_device = space.read16(address, offset::subsystem_device);
    }
    return function;
}

void change_command(ConfigurationSpace& space, Address address, std::uint16_t set, std::uint16_t clear) {
    auto const old = space.read16(address, offset::command);
    space.write(address, offset::command, 2, static_cast<std::uint16_t>((old & ~clear) | set));
}

}  // namespace astrata::pci
