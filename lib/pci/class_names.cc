#include "lib/pci/class_names.h"

#include <array>

namespace astrata::pci {

namespace {

struct Name {
    std::uint32_t value;  // class, subclass, interface
    std::uint32_t mask;   // which of the three must match
    std::string_view text;
};

constexpr std::uint32_t exact = 0xff'ffff, subclass = 0xff'ff00, base = 0xff'0000;

// The first match wins: precise before general.
constexpr auto names = std::to_array<Name>({
    {0x000000, subclass, "Device from before class codes"},
    {0x000100, subclass, "VGA-compatible device"},
    {0x010000, subclass, "SCSI controller"},
    {0x010100, subclass, "IDE controller"},
    {0x010400, subclass, "RAID controller"},
    {0x010601, exact, "AHCI controller"},
    {0x010600, subclass, "SATA controller"},
    {0x010700, subclass, "SAS controller"},
    {0x010802, exact, "NVMe controller"},
    {0x010800, subclass, "Non-volatile memory controller"},
    {0x010000, base, "Mass storage device"},
    {0x020000, subclass, "Ethernet controller"},
    {0x020000, base, "Network controller"},
    {0x030000, subclass, "VGA-compatible display"},
    {0x038000, subclass, "Display controller"},
    {0x030000, base, "Display controller"},
    {0x040300, subclass, "Audio device"},
    {0x040000, base, "Multimedia device"},
    {0x050000, base, "Memory controller"},
    {0x060000, subclass, "Host bridge"},
    {0x060100, subclass, "ISA bridge"},
    {0x060400, subclass, "PCI bridge"},
    {0x060000, base, "Bridge"},
    {0x070000, subclass, "Serial port"},
    {0x078000, subclass, "Communication device"},
    {0x070000, base, "Communication device"},
    {0x080000, subclass, "Interrupt controller"},
    {0x080500, subclass, "SD host controller"},
    {0x080600, subclass, "IOMMU"},
    {0x080000, base, "System device"},
    {0x090000, base, "Input device"},
    {0x0a0000, base, "Docking station"},
    {0x0b0000, base, "Processor"},
    {0x0c0310, exact, "USB controller (OHCI)"},
    {0x0c0300, exact, "USB controller (UHCI)"},
    {0x0c0320, exact, "USB controller (EHCI)"},
    {0x0c0330, exact, "USB controller (xHCI)"},
    {0x0c0500, subclass, "SMBus controller"},
    {0x0c0000, base, "Serial bus controller"},
    {0x0d0000, base, "Wireless controller"},
    {0x100000, base, "Encryption controller"},
    {0x110000, base, "Signal processing controller"},
    {0x120000, base, "Processing accelerator"},
    {0xff0000, base, "Unassigned class"},
});

}  // namespace

std::string_view class_name(std::uint32_t class_code) {
    for (auto const& name : names) {
        if ((class_code & name.mask) == name.value)
            return name.text;
    }
    return "Device of unknown class";
}

}  // namespace astrata::pci
