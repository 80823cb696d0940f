#include "strates/device-manager/inventory.h"

#include <algorithm>
#include <new>

#include "lib/virtio/command_line.h"
#include "lib/virtio/mmio_transport.h"
#include "sdk/log.h"

namespace astrata::device_manager {

namespace {

constexpr std::size_t pci_device_limit = 128;

// Where QEMU's microvm has its virtio-mmio windows, for when nothing announces them: 24 of them with a second IO-APIC,
// on its inputs; else 8, on inputs that depend on ACPI.
constexpr PhysAddr microvm_windows{0xfeb0'0000};
struct MicrovmLayout {
    std::uint32_t count;
    std::uint32_t first_interrupt;
};
MicrovmLayout microvm_layout(MachineFacts const& facts) {
    if (facts.io_apics >= 2)
        return {24, 24};
    return {8, facts.firmware == Firmware::acpi ? 16u : 5u};
}

// Ids keep the order of bus kinds and addresses, and are never 0.
std::uint64_t id_of(abi::BusKind bus, std::uint32_t address) {
    return (std::uint64_t{static_cast<std::uint32_t>(bus)} + 1) << 32 | address;
}

Result<std::unique_ptr<Record>> make_record(abi::BusKind bus, std::uint32_t address) {
    std::unique_ptr<Record> record(new (std::nothrow) Record);
    if (record == nullptr)
        return fail(Error::no_memory);
    record->description.id = id_of(bus, address);
    record->description.bus = bus;
    record->description.address = address;
    return record;
}

std::uint32_t interrupt_line_of(pci::Device const& device, pci::Function const& host_bridge,
                                MachineFacts const& facts) {
    if (!facts.pci_lines)
        return pci::interrupt_line_of(device, host_bridge);
    if (device.root_pin == 0)
        return 0;
    return (*facts.pci_lines)[device.root.device % 4][device.root_pin - 1U];
}

}  // namespace

Result<> Inventory::discover(MachineFacts const& facts, abi::MachineInfo const& info) {
    TRY(discover_pci(facts, info));
    TRY(discover_virtio_mmio(facts, info.command_line.view()));
    std::uint32_t index = 0;
    for (auto const& device : facts.platform)
        TRY(add_platform(device, index++));
    return {};
}

Result<> Inventory::add(std::unique_ptr<Record> record) {
    return records_.push_back(std::move(record));
}

bool Inventory::choose_configuration_access(MachineFacts const& facts) {
    constexpr pci::Address host_bridge{};
    if (facts.pci_window) {
        ecam_access_.emplace(machine_.memory, *facts.pci_window);
        // Firmware can name a window that the host bridge does not decode; then the ports are right.
        if (ecam_access_->read16(host_bridge, pci::offset::vendor) != 0xffff) {
            configuration_ = &*ecam_access_;
            return true;
        }
        ecam_access_.reset();
    }
    if (facts.firmware == Firmware::devicetree || !port_access_.is_present() ||
        port_access_.read16(host_bridge, pci::offset::vendor) == 0xffff)
        return false;
    configuration_ = &port_access_;
    return true;
}

Result<> Inventory::discover_pci(MachineFacts const& facts, abi::MachineInfo const& info) {
    if (!choose_configuration_access(facts))
        return {};
    std::uint64_t window_begin = 0;
    std::uint64_t window_end = 0;
    std::uint8_t last_bus = 255;
    if (ecam_access_) {
        auto const& window = *facts.pci_window;
        window_begin = window.base.value;
        window_end = window_begin + ((std::uint64_t{window.last_bus} + 1) << 20);
        last_bus = window.last_bus;
    }
    Vector<pci::Device> storage;
    TRY(storage.resize(pci_device_limit));
    pci::Enumeration found{.devices = storage.span()};
    auto const apertures =
        facts.pci_apertures.value_or(pci::default_apertures(window_begin, window_end, info.memory_total));
    pci::enumerate(*configuration_, 0, 0, last_bus, apertures, found);
    if (found.dropped != 0)
        sdk::log(found.dropped, " PCI functions beyond the first ", pci_device_limit, " are ignored");
    if (found.unplaced != 0)
        sdk::log(found.unplaced, " PCI windows do not fit into the machine's address space");
    sdk::log(found.count, " PCI functions by ", ecam_access_ ? "memory" : "ports");
    if (found.count == 0)
        return {};
    auto const host_bridge = found.found().front().function;
    for (auto const& device : found.found())
        TRY(add_pci(device, interrupt_line_of(device, host_bridge, facts)));
    return {};
}

Result<> Inventory::add_pci(pci::Device const& device, std::uint32_t interrupt_line) {
    auto const& function = device.function;
    auto record = TRY(make_record(abi::BusKind::pci, function.address.packed()));
    record->pci = device;
    record->msix = pci::find_msix(*configuration_, function.address);
    auto& description = record->description;
    description.vendor = function.vendor;
    description.device = function.device;
    description.subsystem_vendor = function.subsystem_vendor;
    description.subsystem_device = function.subsystem_device;
    description.class_code = function.class_code;
    description.revision = function.revision;
    description.interrupt_line = interrupt_line;
    description.interrupt_count = record->msix ? record->msix->vectors : description.interrupt_line != 0 ? 1 : 0;
    for (auto const& bar : device.bars)
        description.window_count += bar.base != 0 ? 1 : 0;
    return add(std::move(record));
}

Result<> Inventory::discover_virtio_mmio(MachineFacts const& facts, std::string_view command_line) {
    for (std::size_t position = 0; auto const announced = virtio::announced_device(command_line, position); ++position)
        TRY(add_virtio_mmio(
            {.base = announced->base,
             .length = static_cast<std::uint32_t>(std::min<std::uint64_t>(announced->length, page_size)),
             .interrupt = announced->interrupt},
            true));
    // QEMU plugs devices in from the last window downwards, so going down keeps the order of its command line.
    StaticVector<MmioDevice, virtio_mmio_limit> devices = facts.virtio_mmio;
    std::ranges::sort(devices.span(), [](auto const& a, auto const& b) { return a.base > b.base; });
    for (auto const& device : devices)
        TRY(add_virtio_mmio(device, true));
    bool const has_announcements =
        !records_.is_empty() && records_.back()->description.bus == abi::BusKind::virtio_mmio;
    // A machine with PCI or a devicetree is no microvm; its firmware would announce what it has, and reading elsewhere
    // may have effects.
    if (has_announcements || configuration_ != nullptr || facts.firmware == Firmware::devicetree)
        return {};
    auto const layout = microvm_layout(facts);
    for (auto index = layout.count; index-- != 0;) {
        MmioDevice const guess{.base = microvm_windows + index * virtio::mmio_window_bytes,
                               .length = virtio::mmio_window_bytes,
                               .interrupt = layout.first_interrupt + index};
        if (!TRY(add_virtio_mmio(guess, false)))
            break;
    }
    return {};
}

// False when no virtio-mmio registers are there. A window with nothing plugged in is no device.
Result<bool> Inventory::add_virtio_mmio(MmioDevice const& device, bool is_certain) {
    auto const mapping =
        PhysicalMapping::map(machine_.memory, device.base, device.length, sdk::read_write, abi::MapFlags::uncached);
    auto const identity = mapping ? virtio::identify_mmio(mapping->registers()) : fail(mapping.error());
    if (!identity) {
        if (is_certain)
            sdk::log("no virtio-mmio device answers at ", Hex{device.base.value});
        return false;
    }
    if (identity->device_id == 0)
        return true;
    std::uint32_t index = 0;
    for (auto const& record : records_) {
        if (record->description.bus != abi::BusKind::virtio_mmio)
            continue;
        if (record->mmio.base == device.base)
            return true;  // announced twice
        ++index;
    }
    auto record = TRY(make_record(abi::BusKind::virtio_mmio, index));
    record->mmio = device;
    auto& description = record->description;
    description.vendor = identity->vendor_id;
    description.device = identity->device_id;
    description.interrupt_line = device.interrupt;
    description.interrupt_count = 1;
    description.window_count = 1;
    TRY(add(std::move(record)));
    return true;
}

Result<> Inventory::add_platform(PlatformDevice const& device, std::uint32_t index) {
    auto record = TRY(make_record(abi::BusKind::platform, index));
    bool const has_registers = device.mmio.length != 0;
    record->mmio = device.mmio;
    record->description.interrupt_line = device.mmio.interrupt;
    record->description.name = abi::Text<32>::from(device.name);
    if (has_registers)
        record->description.window_count = record->description.interrupt_count = 1;
    else
        record->description.driver_state = 1;  // by manifest
    return add(std::move(record));
}

}  // namespace astrata::device_manager
