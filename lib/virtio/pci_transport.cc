#include "lib/virtio/pci_transport.h"

#include "lib/pci/capabilities.h"

namespace astrata::virtio {

namespace {

// Section 4.1.4.3, common configuration structure.
struct DeviceFeatureSelect : mmio::Register<0, std::uint32_t> {};
struct DeviceFeature : mmio::Register<4, std::uint32_t> {};
struct DriverFeatureSelect : mmio::Register<8, std::uint32_t> {};
struct DriverFeature : mmio::Register<12, std::uint32_t> {};
struct ConfigurationVector : mmio::Register<16, std::uint16_t> {};
struct DeviceStatus : mmio::Register<20, std::uint8_t> {};
struct ConfigurationGeneration : mmio::Register<21, std::uint8_t> {};
struct QueueSelect : mmio::Register<22, std::uint16_t> {};
struct QueueSize : mmio::Register<24, std::uint16_t> {};
struct QueueVector : mmio::Register<26, std::uint16_t> {};
struct QueueEnable : mmio::Register<28, std::uint16_t> {};
struct QueueNotifyOffset : mmio::Register<30, std::uint16_t> {};
// 64-bit fields, written as two halves: not every device takes wider accesses.
constexpr std::size_t queue_descriptors = 32, queue_available = 40, queue_used = 48;
constexpr std::size_t common_bytes = 56;

struct IsrStatus : mmio::Register<0, std::uint8_t> {};  // reading it clears it

enum class Kind : std::uint8_t { common = 1, notify = 2, isr = 3, device = 4 };

// A virtio structure's capability: section 4.1.4.
struct Structure {
    std::uint8_t kind = 0;
    std::uint8_t bar = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint8_t capability = 0;  // its offset in configuration space
};

// The first structure of a kind: a device may offer several and lists the one it prefers first.
Result<Structure> find_structure(pci::ConfigurationSpace& space, pci::Address address, Kind kind) {
    pci::CapabilityWalker walker(space, address);
    while (auto const found = walker.next()) {
        auto const at = [&](unsigned distance) { return static_cast<std::uint16_t>(found->offset + distance); };
        if (found->id != pci::capability::vendor_specific || found->offset > 256 - 20)
            continue;
        Structure const structure{.kind = space.read8(address, at(3)),
                                  .bar = space.read8(address, at(4)),
                                  .offset = space.read32(address, at(8)),
                                  .length = space.read32(address, at(12)),
                                  .capability = found->offset};
        // Values of `bar` above 5 are reserved: such structures are to be ignored.
        if (structure.kind == static_cast<std::uint8_t>(kind) && structure.bar <= 5)
            return structure;
    }
    return fail(Error::not_supported);
}

Result<mmio::Window> window_of(BarWindows& bars, Structure const& structure) {
    return TRY(bars.bar(structure.bar))
    .part(structure.offset, structure.length);
}

void write_halves(mmio::Window const& window, std::size_t offset, std::uint64_t value) {
    window.write_at(offset, static_cast<std::uint32_t>(value));
    window.write_at(offset + 4, static_cast<std::uint32_t>(value >> 32));
}

}  // namespace

Result<PciTransport> PciTransport::create(pci::ConfigurationSpace& space, pci::Address address, BarWindows& bars) {
    PciTransport transport;
    auto const notify = TRY(find_structure(space, address, Kind::notify));
    auto const common = TRY(find_structure(space, address, Kind::common));
    auto const isr = TRY(find_structure(space, address, Kind::isr));
    transport.common_ = TRY(window_of(bars, common));
    transport.isr_ = TRY(window_of(bars, isr));
    transport.notify_ = TRY(window_of(bars, notify));
    transport.notify_multiplier_ = space.read32(address, static_cast<std::uint16_t>(notify.capability + 16));
    if (auto const device = find_structure(space, address, Kind::device))
        transport.device_ = TRY(window_of(bars, *device));
    if (transport.common_.size() < common_bytes)
        return fail(Error::out_of_range);
    return transport;
}

std::uint64_t PciTransport::device_features() {
    common_.write<DeviceFeatureSelect>(1);
    std::uint64_t const high = common_.read<DeviceFeature>();
    common_.write<DeviceFeatureSelect>(0);
    return high << 32 | common_.read<DeviceFeature>();
}

void PciTransport::set_driver_features(std::uint64_t features) {
    common_.write<DriverFeatureSelect>(1);
    common_.write<DriverFeature>(static_cast<std::uint32_t>(features >> 32));
    common_.write<DriverFeatureSelect>(0);
    common_.write<DriverFeature>(static_cast<std::uint32_t>(features));
}

std::uint8_t PciTransport::status() {
    return common_.read<DeviceStatus>();
}

void PciTransport::set_status(std::uint8_t status) {
    common_.write<DeviceStatus>(status);
}

std::uint16_t PciTransport::queue_entries(std::uint16_t queue) {
    common_.write<QueueSelect>(queue);
    auto const size = common_.read<QueueSize>();
    return size > 32768 ? std::uint16_t{0} : size;
}

Result<> PciTransport::enable_queue(std::uint16_t queue, std::uint16_t entries, QueueAddresses addresses,
                                    std::uint16_t vector) {
    if (queue >= doorbells_.size() || queue_entries(queue) < entries || common_.read<QueueEnable>() != 0)
        return fail(Error::not_found);
    common_.write<QueueSize>(entries);
    common_.write<QueueVector>(vector);
    // A device that could not allocate the vector shows no_vector (section 4.1.5.1.2.1).
    if (vector != no_vector && common_.read<QueueVector>() != vector)
        return fail(Error::no_resources);
    doorbells_[queue] = common_.read<QueueNotifyOffset>();
    write_halves(common_, queue_descriptors, addresses.descriptors);
    write_halves(common_, queue_available, addresses.available);
    write_halves(common_, queue_used, addresses.used);
    common_.write<QueueEnable>(1);
    return {};
}

void PciTransport::notify(std::uint16_t queue) {
    if (queue < doorbells_.size())
        notify_.write_at(std::size_t{doorbells_[queue]} * notify_multiplier_, queue);
}

Result<> PciTransport::set_configuration_vector(std::uint16_t vector) {
    common_.write<ConfigurationVector>(vector);
    if (vector != no_vector && common_.read<ConfigurationVector>() != vector)
        return fail(Error::no_resources);
    return {};
}

std::uint32_t PciTransport::take_interrupt_status() {
    return isr_.read<IsrStatus>();
}

std::uint32_t PciTransport::configuration_generation() {
    return common_.read<ConfigurationGeneration>();
}

std::uint8_t PciTransport::configuration8(std::size_t offset) {
    return device_.read_at<std::uint8_t>(offset);
}
std::uint16_t PciTransport::configuration16(std::size_t offset) {
    return device_.read_at<std::uint16_t>(offset);
}
std::uint32_t PciTransport::configuration32(std::size_t offset) {
    return device_.read_at<std::uint32_t>(offset);
}
void PciTransport::set_configuration32(std::size_t offset, std::uint32_t value) {
    device_.write_at(offset, value);
}

}  // namespace astrata::virtio
