#include <gtest/gtest.h>

#include "lib/pci/capabilities.h"
#include "lib/pci/simulated_machine.h"
#include "lib/virtio/mmio_transport.h"
#include "lib/virtio/pci_transport.h"

namespace astrata::virtio {
namespace {

// A transport whose device is a few variables.
class FakeTransport final : public Transport {
public:
    std::uint64_t offered = feature::version_1 | 0xf;
    std::uint64_t chosen = 0;
    std::uint8_t status_value = 0xff;
    bool refuses_features = false;
    bool ignores_reset = false;
    std::uint32_t generation = 0;
    std::uint32_t generation_step = 0;

    std::uint64_t device_features() override { return offered; }
    void set_driver_features(std::uint64_t features) override { chosen = features; }
    std::uint8_t status() override { return status_value; }
    void set_status(std::uint8_t value) override {
        if (value == 0 && ignores_reset)
            return;
        status_value = refuses_features ? static_cast<std::uint8_t>(value & ~status::features_ok) : value;
    }
    std::uint16_t queue_entries(std::uint16_t) override { return 0; }
    Result<> enable_queue(std::uint16_t, std::uint16_t, QueueAddresses, std::uint16_t) override { return {}; }
    void notify(std::uint16_t) override {}
    Result<> set_configuration_vector(std::uint16_t) override { return {}; }
    std::uint32_t take_interrupt_status() override { return 0; }
    std::uint32_t configuration_generation() override { return generation += generation_step; }
    std::uint8_t configuration8(std::size_t) override { return 0; }
    std::uint16_t configuration16(std::size_t) override { return 0; }
    std::uint32_t configuration32(std::size_t offset) override { return static_cast<std::uint32_t>(offset); }
    void set_configuration32(std::size_t, std::uint32_t) override {}
};

TEST(Negotiation, yields_what_both_sides_want) {
    FakeTransport transport;
    EXPECT_EQ(negotiate(transport, 0b11'0101), feature::version_1 | 0b0101);
    EXPECT_EQ(transport.chosen, feature::version_1 | 0b0101);
    EXPECT_TRUE(start(transport));
    EXPECT_EQ(transport.status_value, 15);
}

TEST(Negotiation, failures_have_reasons) {
    FakeTransport legacy;
    legacy.offered = 0xf;
    EXPECT_EQ(negotiate(legacy, 1).error(), Error::not_supported);
    EXPECT_NE(legacy.status_value & status::failed, 0);
    FakeTransport lacking;
    EXPECT_EQ(negotiate(lacking, 0, 0x10).error(), Error::not_supported);
    FakeTransport refusing;
    refusing.refuses_features = true;
    EXPECT_EQ(negotiate(refusing, 1).error(), Error::not_supported);
    FakeTransport dead;
    dead.ignores_reset = true;
    EXPECT_EQ(negotiate(dead, 1).error(), Error::timed_out);
    FakeTransport broken;
    broken.status_value = status::needs_reset;
    EXPECT_EQ(start(broken).error(), Error::io);
}

TEST(Configuration, is_read_again_while_it_changes) {
    FakeTransport transport;
    EXPECT_EQ(read_consistently(transport, [&] { return configuration64(transport, 8); }), 0xc'0000'0008u);
    transport.generation_step = 1;
    EXPECT_EQ(read_consistently(transport, [&] { return configuration64(transport, 8); }).error(), Error::busy);
}

struct alignas(16) Registers {
    std::array<std::byte, 0x1000> bytes{};
    void put(std::size_t offset, std::uint32_t value) { EXPECT_TRUE(store(bytes, offset, value)); }
    std::uint32_t get(std::size_t offset) { return load<std::uint32_t>(bytes, offset).value(); }
};

TEST(MmioTransport, identifies_and_refuses) {
    Registers registers;
    mmio::Window const window(registers.bytes);
    EXPECT_EQ(MmioTransport::create(window).error(), Error::no_device);
    registers.put(0, mmio_magic);
    registers.put(4, 2);
    EXPECT_EQ(MmioTransport::create(window).error(), Error::no_device);  // empty slot
    registers.put(8, device_id::block);
    EXPECT_TRUE(MmioTransport::create(window));
    registers.put(4, 1);
    EXPECT_EQ(MmioTransport::create(window).error(), Error::not_supported);
    EXPECT_EQ(identify_mmio(window)->version, 1u);
}

TEST(MmioTransport, sets_queues_up) {
    Registers registers;
    registers.put(0, mmio_magic);
    registers.put(4, 2);
    registers.put(8, device_id::block);
    registers.put(0x34, 128);
    auto transport = MmioTransport::create(mmio::Window(registers.bytes)).value();
    EXPECT_EQ(transport.queue_entries(0), 128);
    EXPECT_EQ(transport.enable_queue(0, 256, {}, 0).error(), Error::not_found);
    EXPECT_EQ(transport.enable_queue(0, 64, {}, 3).error(), Error::no_resources);
    EXPECT_TRUE(transport.enable_queue(0, 64, {0x1'2345'6000, 0x1'2345'7000, 0x1'2345'8000}, 0));
    EXPECT_EQ(registers.get(0x38), 64u);
    EXPECT_EQ(registers.get(0x84), 1u);
    EXPECT_EQ(registers.get(0xa0), 0x2345'8000u);
    EXPECT_EQ(registers.get(0x44), 1u);
    registers.put(0x34, 0xffff'ffff);
    EXPECT_EQ(transport.queue_entries(0), 0);
}

class FakeBars final : public BarWindows {
public:
    Registers registers;
    Result<mmio::Window> bar(std::uint8_t index) override {
        if (index != 4)
            return fail(Error::not_found);
        return mmio::Window(registers.bytes);
    }
};

void add_structure(pci::SimulatedMachine::SimulatedFunction& function, std::uint8_t at, std::uint8_t next,
                   std::uint8_t kind, std::uint32_t offset, std::uint32_t length, std::uint8_t bar = 4) {
    function.add_capability(pci::capability::vendor_specific, at, next);
    function.bytes[at + 3u] = kind;
    function.bytes[at + 4u] = bar;
    function.put(static_cast<std::uint16_t>(at + 8), 4, offset);
    function.put(static_cast<std::uint16_t>(at + 12), 4, length);
}

TEST(PciTransport, finds_its_structures) {
    pci::SimulatedMachine machine;
    auto& function = machine.add(1, pci_vendor, 0x1042, 0x010000);
    add_structure(function, 0x40, 0x60, 1, 0x000, 0x40);
    add_structure(function, 0x60, 0x80, 3, 0x100, 4);
    add_structure(function, 0x80, 0xa0, 2, 0x200, 0x100);
    function.put(0x90, 4, 4);  // doorbells 4 bytes apart
    add_structure(function, 0xa0, 0, 4, 0x400, 0x40);
    FakeBars bars;
    auto transport = PciTransport::create(machine, {.device = 1}, bars).value();
    ASSERT_TRUE(store(bars.registers.bytes, 24, std::uint16_t{256}));
    ASSERT_TRUE(store(bars.registers.bytes, 30, std::uint16_t{2}));
    ASSERT_TRUE(transport.enable_queue(2, 128, {0x1'0000'0000, 2, 3}, 1));
    EXPECT_EQ(bars.registers.get(36), 1u);
    EXPECT_EQ(load<std::uint16_t>(bars.registers.bytes, 24), 128);
    transport.notify(2);
    EXPECT_EQ(load<std::uint16_t>(bars.registers.bytes, 0x208), 2);
    bars.registers.put(0x404, 77);
    EXPECT_EQ(transport.configuration32(4), 77u);
    EXPECT_EQ(transport.configuration32(0x40), 0xffff'ffffu);
}

TEST(PciTransport, legacy_devices_and_wild_capabilities_are_refused) {
    pci::SimulatedMachine machine;
    FakeBars bars;
    machine.add(1, pci_vendor, 0x1001, 0x010000);
    EXPECT_EQ(PciTransport::create(machine, {.device = 1}, bars).error(), Error::not_supported);
    auto& wild = machine.add(2, pci_vendor, 0x1042, 0x010000);
    add_structure(wild, 0x40, 0x60, 1, 0xfff0, 0x40);
    add_structure(wild, 0x60, 0x80, 3, 0x100, 4);
    add_structure(wild, 0x80, 0, 2, 0x200, 0x100);
    EXPECT_EQ(PciTransport::create(machine, {.device = 2}, bars).error(), Error::out_of_range);
    auto& short_one = machine.add(3, pci_vendor, 0x1042, 0x010000);
    add_structure(short_one, 0x40, 0x60, 1, 0, 0x20);
    add_structure(short_one, 0x60, 0x80, 3, 0x100, 4);
    add_structure(short_one, 0x80, 0, 2, 0x200, 0x100);
    EXPECT_EQ(PciTransport::create(machine, {.device = 3}, bars).error(), Error::out_of_range);
}

}  // namespace
}  // namespace astrata::virtio
