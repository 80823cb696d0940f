#include "lib/acpi/cpu_hotplug.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace astrata::acpi::cpu_hotplug {
namespace {

// Processors as QEMU has them.
class Device {
public:
    struct Processor {
        std::uint32_t apic_id;
        std::uint32_t flags;
    };
    explicit Device(std::vector<Processor> processors) : processors(std::move(processors)) {}

    Result<std::uint32_t> read(std::uint16_t offset, unsigned width) {
        EXPECT_TRUE(is_started_);
        if (offset == status && width == 1)
            return processors[selected_].flags;
        if (offset == data && width == 4)
            return command_ == 3 ? processors[selected_].apic_id : static_cast<std::uint32_t>(selected_);
        ADD_FAILURE() << offset;
        return fail(Error::io);
    }
    Result<> write(std::uint16_t offset, unsigned width, std::uint32_t value) {
        if (offset == selector && width == 4) {
            is_started_ = true;
            selected_ = value;
        } else if (offset == status && width == 1) {
            processors[selected_].flags &= ~value;
        } else if (offset == command && width == 1) {
            command_ = value;
            for (std::size_t step = 0; value == 0 && step < processors.size(); ++step) {
                auto const index = (selected_ + step) % processors.size();
                if ((processors[index].flags & (was_inserted | is_to_be_removed)) != 0) {
                    selected_ = index;
                    break;
                }
            }
        } else {
            ADD_FAILURE() << offset;
        }
        return {};
    }

    std::vector<Processor> processors;

private:
    std::size_t selected_ = 1;
    std::uint32_t command_ = 9;
    bool is_started_ = false;
};

TEST(CpuHotplug, tells_every_event_once) {
    Device device({{0, is_present}, {4, is_present | was_inserted}, {5, 0}, {9, is_present | was_inserted | is_to_be_removed}});
    ASSERT_TRUE(start(device));
    std::vector<std::pair<std::uint32_t, bool>> seen;
    while (auto const event = take_event(device).value())
        seen.emplace_back(event->apic_id, event->is_insertion);
    EXPECT_EQ(seen, (std::vector<std::pair<std::uint32_t, bool>>{{4, true}, {9, true}, {9, false}}));
    EXPECT_FALSE(take_event(device).value());
}

TEST(CpuHotplug, registers_are_found_where_the_definition_block_declares_them) {
    std::string block = "DSDT...PRST....[\x80PRST\x01\x0b\xd8";
    auto const bytes = [&block] { return as_bytes(std::string_view(block)); };
    EXPECT_EQ(find(bytes()).error(), Error::not_found);
    block += std::string("\x0c\x0a\x0c", 3);
    EXPECT_EQ(find(bytes()).value(), 0xcd8);
    // The bitmap of old machines is another device.
    block.back() = 0x20;
    EXPECT_EQ(find(bytes()).error(), Error::not_found);
}

}  // namespace
}  // namespace astrata::acpi::cpu_hotplug
