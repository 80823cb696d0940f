// A PCI machine for tests: functions with configuration space, base address registers and bridges that answer as
// hardware does. Host only.
#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "lib/pci/configuration.h"

namespace astrata::pci {

class SimulatedMachine final : public ConfigurationSpace {
public:
    struct SimulatedFunction {
        std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(256);
        std::array<std::uint64_t, 6> bar_masks{};  // writable bits; 0: not implemented

        void put(std::uint16_t offset, unsigned width, std::uint32_t value) {
            for (unsigned index = 0; index < width; ++index)
                bytes[offset + index] = static_cast<std::uint8_t>(value >> (8 * index));
        }
        [[nodiscard]] std::uint32_t get(std::uint16_t offset, unsigned width) const {
            std::uint32_t value = 0;
            for (unsigned index = 0; index < width; ++index)
                value |= std::uint32_t{bytes[offset + index]} << (8 * index);
            return value;
        }
        void add_memory_bar(unsigned index, std::uint32_t size, bool is_64_bit = false, std::uint64_t mask64 = 0) {
            bar_masks[index] = is_64_bit && mask64 != 0 ? static_cast<std::uint32_t>(mask64) & ~0xfu : ~(size - 1);
            put(static_cast<std::uint16_t>(0x10 + 4 * index), 4, is_64_bit ? 4 : 0);
            if (is_64_bit)
                bar_masks[index + 1] = mask64 != 0 ? mask64 >> 32 : 0xffff'ffff;
        }
        void add_port_bar(unsigned index, std::uint32_t size) {
            bar_masks[index] = ~(size - 1);
            put(static_cast<std::uint16_t>(0x10 + 4 * index), 4, 1);
        }
        void add_capability(std::uint8_t id, std::uint8_t offset, std::uint8_t next) {
            put(0x06, 2, 1 << 4);
            if (bytes[0x34] == 0)
                bytes[0x34] = offset;
            bytes[offset] = id;
            bytes[offset + 1u] = next;
        }
    };

    /// A function at a place given as bus id of this simulation: root bus is 0, others are named by their bridge.
    SimulatedFunction& add(std::uint32_t device, std::uint16_t vendor, std::uint16_t id, std::uint32_t class_code,
                           SimulatedFunction* behind = nullptr, std::uint32_t function = 0) {
        auto& added = functions_[{behind, device << 3 | function}];
        added.put(0x00, 2, vendor);
        added.put(0x02, 2, id);
        added.put(0x08, 4, class_code << 8);
        if (class_code >> 8 == 0x0604)
            added.bytes[0x0e] = 1;
        return added;
    }

    std::uint32_t read(Address address, std::uint16_t offset, unsigned width) override {
        auto const* const function = find(address);
        return function == nullptr ? 0xffff'ffff >> (32 - 8 * width) : function->get(offset, width);
    }
    void write(Address address, std::uint16_t offset, unsigned width, std::uint32_t value) override {
        auto* const function = find(address);
        if (function == nullptr)
            return;
        auto const bars = function->bytes[0x0e] == 1 ? 2u : 6u;
        if (offset >= 0x10 && offset < 0x10 + 4 * bars && width == 4) {
            auto const index = (offset - 0x10u) / 4;
            auto const mask = static_cast<std::uint32_t>(function->bar_masks[index]);
            bool const is_high_half = index > 0 && (function->get(static_cast<std::uint16_t>(offset - 4), 4) & 7) == 4;
            auto const fixed =
                is_high_half ? 0 : function->get(offset, 4) & ((function->get(offset, 4) & 1) != 0 ? 3u : 0xfu);
            function->put(offset, 4, (value & mask) | fixed);
            return;
        }
        if (offset < 4 || offset == 0x0e)
            return;
        function->put(offset, width, value);
    }

private:
    // Routes by the bridges' bus numbers as they are at this moment.
    SimulatedFunction* find(Address address) {
        SimulatedFunction* bridge = nullptr;
        std::uint8_t bus = 0;
        while (bus != address.bus) {
            SimulatedFunction* next = nullptr;
            for (auto& [place, function] : functions_) {
                if (place.first == bridge && function.bytes[0x0e] == 1 && function.bytes[0x19] != 0 &&
                    function.bytes[0x19] <= address.bus && address.bus <= function.bytes[0x1a])
                    next = &function;
            }
            if (next == nullptr)
                return nullptr;
            bridge = next;
            bus = bridge->bytes[0x19];
        }
        auto const found = functions_.find({bridge, std::uint32_t{address.device} << 3 | address.function});
        return found == functions_.end() ? nullptr : &found->second;
    }

    std::map<std::pair<SimulatedFunction*, std::uint32_t>, SimulatedFunction> functions_;
};

}  // namespace astrata::pci
