#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "lib/manifest/device_match.h"
#include "lib/manifest/manifest.h"
#include "lib/manifest/roles.h"

namespace astrata::manifest {
namespace {

/// A manifest as emit_manifest.py would pack it.
struct Packed {
    std::vector<std::byte> bytes;

    template <typename T>
    Packed& number(T value) {
        auto const raw = std::as_bytes(std::span(&value, 1));
        bytes.insert(bytes.end(), raw.begin(), raw.end());
        return *this;
    }
    Packed& name(std::string_view text) { return number(Name::from(text)); }
    Packed& header(std::uint32_t start, std::uint32_t privileges, std::uint16_t provides, std::uint16_t needs,
                   std::uint16_t devices, std::uint16_t resources) {
        number(0x54464d41u).number(std::uint16_t{2}).number(std::uint16_t{88}).number(0u);
        number(0u).number(start).number(1u).number(4u).number(privileges).number(std::uint64_t{8 << 20});
        number(25u).number(300u);
        number(provides).number(needs).number(devices).number(resources).name("example");
        return *this;
    }
    Bytes finish() {
        auto const total = static_cast<std::uint32_t>(bytes.size());
        EXPECT_TRUE(store(MutableBytes(bytes), 8, total));
        return bytes;
    }
};

Packed example() {
    Packed packed;
    packed.header(2, 5, 1, 2, 1, 1);
    packed.name("Block").name("disk");
    packed.name("Stream").name("console").name("console").number(1u).number(0u);
    packed.name("FileSystem").name("root").name("@root").number(0u).number(0u);
    packed.number(1u).number(0u).number(0u).number(0x010800u).number(0xffff00u).number(0u).name("");
    packed.number(0u).number(0u).number(std::uint64_t{0x70}).number(std::uint64_t{2}).name("cmos");
    return packed;
}

TEST(Manifest, decodes_everything) {
    auto packed = example();
    auto const manifest = Manifest::decode(packed.finish());
    ASSERT_TRUE(manifest);
    EXPECT_EQ(manifest->name.view(), "example");
    EXPECT_EQ(manifest->start, Start::device);
    EXPECT_EQ(manifest->memory_limit, 8u << 20);
    EXPECT_EQ(manifest->cpu_percent, 25u);
    EXPECT_EQ(manifest->cpu_weight, 300u);
    EXPECT_EQ(manifest->provides[0].scheme.view(), "disk");
    EXPECT_TRUE(manifest->needs[0].is_optional);
    EXPECT_TRUE(manifest->needs[1].is_parameter());
    EXPECT_EQ(manifest->resources[0].first, 0x70u);
    EXPECT_TRUE(manifest->has(Privilege::root_silo));
    EXPECT_FALSE(manifest->has(Privilege::silo_manager));
}

TEST(Manifest, numbers_roles_in_order) {
    auto packed = example();
    auto const manifest = Manifest::decode(packed.finish());
    EXPECT_EQ(role_of_provide(0), 1u);
    EXPECT_EQ(role_of_need(*manifest, 1), 3u);
    EXPECT_EQ(role_of_device(*manifest), 4u);
    EXPECT_EQ(role_of_resource(*manifest, 0), 5u);
    EXPECT_EQ(role_of_privilege(*manifest, Privilege::root_silo), 6u);
    EXPECT_EQ(role_of_privilege(*manifest, Privilege::dma), 7u);
}

TEST(Manifest, refuses_every_truncation) {
    auto packed = example();
    auto const good = packed.finish();
    for (std::size_t size = 0; size != good.size(); ++size)
        EXPECT_EQ(Manifest::decode(good.first(size)).error(), Error::corrupt) << size;
}

TEST(Manifest, refuses_nonsense) {
    auto const decoded = [](std::size_t offset, unsigned char value) {
        auto packed = example();
        auto const bytes = packed.finish();
        std::vector<std::byte> changed(bytes.begin(), bytes.end());
        changed[offset] = std::byte{value};
        return Manifest::decode(changed).error_or(Error::io);
    };
    EXPECT_EQ(decoded(0, 0), Error::corrupt);
    EXPECT_EQ(decoded(4, 1), Error::not_supported);
    EXPECT_EQ(decoded(12, 3), Error::corrupt);    // isolation
    EXPECT_EQ(decoded(16, 4), Error::corrupt);    // start
    EXPECT_EQ(decoded(16, 0), Error::corrupt);    // start = boot with devices
    EXPECT_EQ(decoded(28, 16), Error::corrupt);   // privileges
    EXPECT_EQ(decoded(48, 200), Error::corrupt);  // count of provides
    EXPECT_EQ(decoded(56, 0), Error::corrupt);    // empty name
    EXPECT_EQ(decoded(56, ' '), Error::corrupt);
    EXPECT_EQ(decoded(88 + 31, 'x'), Error::corrupt);  // bytes after a name's end
}

TEST(DeviceMatch, prefers_exact_ids_to_classes) {
    abi::DeviceDescription const device{
        .bus = abi::BusKind::pci, .vendor = 0x1af4, .device = 0x1042, .class_code = 0x010000};
    EXPECT_EQ(match_quality({.kind = DeviceKind::pci, .vendor = 0x1af4, .device = 0x1042}, device), 3);
    EXPECT_EQ(match_quality({.kind = DeviceKind::pci, .vendor = 0x1af4, .device = 0x1041}, device), 0);
    EXPECT_EQ(match_quality({.kind = DeviceKind::pci_class, .class_code = 0x010000, .class_mask = 0xff0000}, device),
              1);
    EXPECT_EQ(match_quality({.kind = DeviceKind::virtio, .device = 2}, device), 0);
    abi::DeviceDescription const uart{.bus = abi::BusKind::platform, .name = abi::Text<32>::from("ns16550")};
    EXPECT_EQ(match_quality({.kind = DeviceKind::platform, .name = Name::from("ns16550")}, uart), 3);
}

}  // namespace
}  // namespace astrata::manifest
