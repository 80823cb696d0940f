#include "lib/virtio/mmio_transport.h"

namespace astrata::virtio {

namespace {

using Word = std::uint32_t;
// Section 4.2.2. Control registers are 32 bits wide and accessed as such.
struct MagicValue : mmio::Register<0x000, Word> {};
struct Version : mmio::Register<0x004, Word> {};
struct DeviceId : mmio::Register<0x008, Word> {};
struct VendorId : mmio::Register<0x00c, Word> {};
struct DeviceFeatures : mmio::Register<0x010, Word> {};
struct DeviceFeaturesSelect : mmio::Register<0x014, Word> {};
struct DriverFeatures : mmio::Register<0x020, Word> {};
struct DriverFeaturesSelect : mmio::Register<0x024, Word> {};
struct QueueSelect : mmio::Register<0x030, Word> {};
struct QueueEntriesLimit : mmio::Register<0x034, Word> {};  // QueueNumMax
struct QueueEntries : mmio::Register<0x038, Word> {};       // QueueNum
struct QueueReady : mmio::Register<0x044, Word> {};
struct QueueNotify : mmio::Register<0x050, Word> {};
struct InterruptStatus : mmio::Register<0x060, Word> {};
struct InterruptAcknowledge : mmio::Register<0x064, Word> {};  // InterruptACK: write what is to be cleared
struct Status : mmio::Register<0x070, Word> {};
struct QueueDescriptorsLow : mmio::Register<0x080, Word> {};
struct QueueDescriptorsHigh : mmio::Register<0x084, Word> {};
struct QueueAvailableLow : mmio::Register<0x090, Word> {};  // QueueDriverLow
struct QueueAvailableHigh : mmio::Register<0x094, Word> {};
struct QueueUsedLow : mmio::Register<0x0a0, Word> {};  // QueueDeviceLow
struct QueueUsedHigh : mmio::Register<0x0a4, Word> {};
struct ConfigGeneration : mmio::Register<0x0fc, Word> {};
constexpr std::size_t configuration_offset = 0x100;

}  // namespace

Result<MmioIdentity> identify_mmio(mmio::Window window) {
    if (window.read<MagicValue>() != mmio_magic)
        return fail(Error::no_device);
    return MmioIdentity{
        .version = window.read<Version>(), .device_id = window.read<DeviceId>(), .vendor_id = window.read<VendorId>()};
}

Result<MmioTransport> MmioTransport::create(mmio::Window window) {
    auto const identity = TRY(identify_mmio(window));
    if (identity.device_id == 0)
        return fail(Error::no_device);
    if (identity.version != 2)
        return fail(Error::not_supported);
    return MmioTransport(window);
}

std::uint64_t MmioTransport::device_features() {
    window_.write<DeviceFeaturesSelect>(1);
    std::uint64_t const high = window_.read<DeviceFeatures>();
    window_.write<DeviceFeaturesSelect>(0);
    return high << 32 | window_.read<DeviceFeatures>();
}

void MmioTransport::set_driver_features(std::uint64_t features) {
    window_.write<DriverFeaturesSelect>(1);
    window_.write<DriverFeatures>(static_cast<Word>(features >> 32));
    window_.write<DriverFeaturesSelect>(0);
    window_.write<DriverFeatures>(static_cast<Word>(features));
}

std::uint8_t MmioTransport::status() {
    return static_cast<std::uint8_t>(window_.read<Status>());
}

void MmioTransport::set_status(std::uint8_t status) {
    window_.write<Status>(status);
}

std::uint16_t MmioTransport::queue_entries(std::uint16_t queue) {
    window_.write<QueueSelect>(queue);
    auto const limit = window_.read<QueueEntriesLimit>();
    return limit > 32768 ? std::uint16_t{0} : static_cast<std::uint16_t>(limit);
}

Result<> MmioTransport::enable_queue(std::uint16_t queue, std::uint16_t entries, QueueAddresses addresses,
                                     std::uint16_t vector) {
    if (vector != no_vector && vector != 0)
        return fail(Error::no_resources);
    if (queue_entries(queue) < entries || window_.read<QueueReady>() != 0)
        return fail(Error::not_found);
    auto const low = [](std::uint64_t address) { return static_cast<Word>(address); };
    auto const high = [](std::uint64_t address) { return static_cast<Word>(address >> 32); };
    window_.write<QueueEntries>(entries);
    window_.write<QueueDescriptorsLow>(low(addresses.descriptors));
    window_.write<QueueDescriptorsHigh>(high(addresses.descriptors));
    window_.write<QueueAvailableLow>(low(addresses.available));
    window_.write<QueueAvailableHigh>(high(addresses.available));
    window_.write<QueueUsedLow>(low(addresses.used));
    window_.write<QueueUsedHigh>(high(addresses.used));
    window_.write<QueueReady>(1);
    return {};
}

void MmioTransport::notify(std::uint16_t queue) {
    window_.write<QueueNotify>(queue);
}

Result<> MmioTransport::set_configuration_vector(std::uint16_t vector) {
    if (vector != no_vector && vector != 0)
        return fail(Error::no_resources);
    return {};
}

std::uint32_t MmioTransport::take_interrupt_status() {
    auto const reasons = window_.read<InterruptStatus>();
    window_.write<InterruptAcknowledge>(reasons);
    return reasons;
}

std::uint32_t MmioTransport::configuration_generation() {
    return window_.read<ConfigGeneration>();
}

std::uint8_t MmioTransport::configuration8(std::size_t offset) {
    return window_.read_at<std::uint8_t>(configuration_offset + offset);
}
std::uint16_t MmioTransport::configuration16(std::size_t offset) {
    return window_.read_at<std::uint16_t>(configuration_offset + offset);
}
std::uint32_t MmioTransport::configuration32(std::size_t offset) {
    return window_.read_at<std::uint32_t>(configuration_offset + offset);
}
void MmioTransport::set_configuration32(std::size_t offset, std::uint32_t value) {
    window_.write_at(configuration_offset + offset, value);
}

}  // namespace astrata::virtio
