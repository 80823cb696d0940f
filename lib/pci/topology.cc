#include "lib/pci/topology.h"

#include <algorithm>

#include "lib/base/units.h"

namespace astrata::pci {

namespace {

constexpr std::uint64_t four_gibibytes = 0x1'0000'0000;
constexpr std::uint64_t gibibyte = 0x4000'0000;
constexpr std::uint64_t large_bar = 256 << 20;         // from here on a 64-bit register goes above 4 GiB
constexpr std::uint64_t bridge_memory_unit = 1 << 20;  // granularity of a bridge's windows
constexpr std::uint64_t bridge_port_unit = 0x1000;
constexpr std::size_t depth_limit = 16;  // bridges behind bridges

// Hands out ascending, naturally aligned ranges.
class Cursor {
public:
    explicit Cursor(Aperture aperture) : next_(aperture.start), end_(aperture.end) {}

    [[nodiscard]] std::uint64_t position() const { return next_; }
    void align(std::uint64_t unit) { next_ = std::min(align_up(next_, unit), end_); }
    /// Nothing below `address` is handed out any more.
    void skip_to(std::uint64_t address) { next_ = std::clamp(address, next_, end_); }
    /// 0 when it does not fit.
    std::uint64_t take(std::uint64_t size) {
        auto const base = align_up(next_, size);
        if (base < next_ || base > end_ || end_ - base < size)
            return 0;
        next_ = base + size;
        return base;
    }

private:
    std::uint64_t next_;
    std::uint64_t end_;
};

class Enumerator {
public:
    Enumerator(ConfigurationSpace& space, std::uint16_t segment, std::uint8_t last_bus, Enumeration& result)
        : space_(space), segment_(segment), last_bus_(last_bus), result_(result) {}

    // One bus being scanned. `bridge` leads to it; the root bus has none.
    struct Level {
        std::uint8_t bus = 0;
        unsigned next_function = 0;  // device<<3 | function
        bool is_root = false;
        bool was_numbered_here = false;
        Function bridge;
        Address root;              // device on the root bus that leads here
        std::uint8_t swizzle = 0;  // added to interrupt pins, modulo 4
    };

    void scan(std::uint8_t first_bus) {
        highest_bus_ = first_bus;
        levels_[0] = {.bus = first_bus, .is_root = true};
        depth_ = 1;
        while (depth_ > 0) {
            auto& level = levels_[depth_ - 1];
            if (level.next_function >= 256) {
                leave(level);
                --depth_;
                continue;
            }
            visit(level);
        }
    }

private:
    void visit(Level& level) {
        Address const address{.segment = segment_,
                              .bus = level.bus,
                              .device = static_cast<std::uint8_t>(level.next_function >> 3),
                              .function = static_cast<std::uint8_t>(level.next_function & 7)};
        auto const function = read_function(space_, address);
        // Functions 1..7 exist only on devices that say so in function 0.
        bool const skips_device = address.function == 0 && (!function || !function->is_multifunction);
        level.next_function += skips_device ? 8 : 1;
        if (!function)
            return;
        record(level, *function);
        if (function->is_bridge && (function->class_code >> 8) == 0x0604 && depth_ < depth_limit)
            enter(level, *function);
    }

    void record(Level const& level, Function const& function) {
        if (result_.count == result_.devices.size()) {
            ++result_.dropped;
            return;
        }
        auto& device = result_.devices[result_.count++];
        device = {.function = function,
                  .bars = size_bars(space_, function),
                  .root = level.is_root ? function.address : level.root};
        if (function.interrupt_pin != 0)
            device.root_pin =
                static_cast<std::uint8_t>((function.interrupt_pin - 1 + in_device_swizzle(level, function)) % 4 + 1);
    }

    // PCI-to-PCI Bridge 1.2 section 9.1: behind a bridge, a device's number rotates its pins; bridges above add theirs.
    static unsigned in_device_swizzle(Level const& level, Function const& function) {
        return level.is_root ? 0u : function.address.device + level.swizzle;
    }

    void enter(Level const& level, Function const& bridge) {
        auto const address = bridge.address;
        auto secondary = space_.read8(address, offset::secondary_bus);
        auto const subordinate = space_.read8(address, offset::subordinate_bus);
        // Firmware's numbers stand if they go on from what was seen so far, so that no two buses share one.
        bool const was_numbered = space_.read8(address, offset::primary_bus) == level.bus && secondary > highest_bus_ &&
                                  subordinate >= secondary && subordinate <= last_bus_;
        if (!was_numbered) {
            if (highest_bus_ >= last_bus_)
                return;
            secondary = static_cast<std::uint8_t>(highest_bus_ + 1);
            space_.write(address, offset::primary_bus, 1, level.bus);
            space_.write(address, offset::secondary_bus, 1, secondary);
            space_.write(address, offset::subordinate_bus, 1, last_bus_);  // until the end of the scan below is known
        }
        highest_bus_ = secondary;
        auto const swizzle = level.is_root ? 0u : address.device + level.swizzle;
        levels_[depth_++] = {.bus = secondary,
                             .was_numbered_here = !was_numbered,
                             .bridge = bridge,
                             .root = level.is_root ? address : level.root,
                             .swizzle = static_cast<std::uint8_t>(swizzle % 4)};
    }

    void leave(Level const& level) {
        if (level.is_root)
            return;
        if (level.was_numbered_here)
            space_.write(level.bridge.address, offset::subordinate_bus, 1, highest_bus_);
        else
            highest_bus_ = std::max(highest_bus_, space_.read8(level.bridge.address, offset::subordinate_bus));
    }

    ConfigurationSpace& space_;
    std::uint16_t segment_;
    std::uint8_t last_bus_;
    Enumeration& result_;
    std::uint8_t highest_bus_ = 0;
    std::array<Level, depth_limit> levels_{};
    std::size_t depth_ = 0;
};

// Places base address registers: those of one bus side by side, so that each bridge needs one window of each kind. A
// bridge's window covers everything recorded behind it, which follows it in the order of enumeration.
class Placer {
public:
    Placer(ConfigurationSpace& space, Apertures const& apertures, Enumeration& result)
        : space_(space), memory32_(apertures.memory32), memory64_(apertures.memory64), ports_(apertures.ports),
          apertures_(apertures), result_(result) {}

    void place_all() {
        respect_firmware();
        auto const devices = result_.found();
        std::array<std::size_t, depth_limit> open{};  // indices of the bridges whose buses are being placed
        std::size_t depth = 0;
        std::array<Aperture, depth_limit> starts{};
        auto const close_until = [&](auto is_outside) {
            while (depth > 0 && is_outside(devices[open[depth - 1]])) {
                --depth;
                close_bridge(devices[open[depth]], starts[depth]);
            }
        };
        for (std::size_t index = 0; index < devices.size(); ++index) {
            auto& device = devices[index];
            close_until([&](Device const& bridge) { return !is_behind(device, bridge); });
            bool const is_reachable = depth == 0 || !has_firmware_window(devices[open[depth - 1]]);
            place(device, depth == 0, is_reachable);
            if (device.function.is_bridge && depth < depth_limit) {
                if (!has_firmware_window(device)) {
                    memory32_.align(bridge_memory_unit);
                    ports_.align(bridge_port_unit);
                }
                starts[depth] = {memory32_.position(), ports_.position()};
                open[depth++] = index;
            }
        }
        close_until([](Device const&) { return true; });
    }

private:
    bool is_behind(Device const& device, Device const& bridge) {
        auto const address = bridge.function.address;
        auto const bus = device.function.address.bus;
        return bus >= space_.read8(address, offset::secondary_bus) &&
               bus <= space_.read8(address, offset::subordinate_bus) && bus != address.bus;
    }

    bool has_firmware_window(Device const& bridge) {
        auto const address = bridge.function.address;
        auto const base = space_.read16(address, offset::memory_base) & 0xfff0;
        return base != 0 && (space_.read16(address, offset::memory_limit) & 0xfff0) >= base;
    }

    // What firmware placed stays there; everything new goes above it.
    void respect_firmware() {
        for (auto const& device : result_.found()) {
            for (auto const& bar : device.bars) {
                if (!is_placed(bar))
                    continue;
                auto const end = bar.base + bar.size;
                auto const [cursor, aperture] = bar.is_port             ? std::pair(&ports_, apertures_.ports)
                                                : end <= four_gibibytes ? std::pair(&memory32_, apertures_.memory32)
                                                                        : std::pair(&memory64_, apertures_.memory64);
                if (bar.base >= aperture.start && end <= aperture.end)
                    cursor->skip_to(end);
            }
            if (device.function.is_bridge && has_firmware_window(device)) {
                auto const limit = space_.read16(device.function.address, offset::memory_limit) & 0xfff0;
                auto const end = (std::uint64_t{static_cast<std::uint32_t>(limit)} << 16) + bridge_memory_unit;
                if (end > apertures_.memory32.start && end <= apertures_.memory32.end)
                    memory32_.skip_to(end);
            }
        }
    }

    static bool is_placed(Bar const& bar) { return bar.base != 0 && bar.base + bar.size > bar.base; }

    void place(Device& device, bool is_on_root_bus, bool is_reachable) {
        // Large ones first: less is lost to alignment.
        std::array<Bar*, 6> order{};
        std::size_t count = 0;
        for (std::size_t index = 0; index < device.bars.count; ++index) {
            if (!is_placed(device.bars.bars[index]))
                order[count++] = &device.bars.bars[index];
        }
        auto const todo = std::span(order).first(count);
        std::sort(todo.begin(), todo.end(), [](Bar const* a, Bar const* b) { return a->size > b->size; });
        if (count != 0)
            change_command(space_, device.function.address, 0, command::io_decode | command::memory_decode);
        for (auto* const bar : todo) {
            auto const base = is_reachable ? find_place(*bar, is_on_root_bus) : 0;
            if (base != 0)
                assign_bar(space_, device.function, *bar, base);
            else
                ++result_.unplaced;
        }
        if (device.function.is_bridge)
            change_command(space_, device.function.address,
                           command::io_decode | command::memory_decode | command::bus_master, 0);
    }

    std::uint64_t find_place(Bar const& bar, bool is_on_root_bus) {
        if (bar.is_port)
            return ports_.take(bar.size);
        if (bar.is_64_bit && is_on_root_bus && bar.size >= large_bar)
            return memory64_.take(bar.size);
        return memory32_.take(bar.size);
    }

    // start.start: where the memory behind the bridge begins; start.end: where its ports do.
    void close_bridge(Device const& bridge, Aperture start) {
        if (has_firmware_window(bridge))
            return;
        auto const address = bridge.function.address;
        auto const write16 = [&](std::uint16_t at, std::uint64_t value) {
            space_.write(address, at, 2, static_cast<std::uint16_t>(value));
        };
        // A window whose limit lies below its base is closed.
        bool const has_memory = memory32_.position() > start.start;
        memory32_.align(bridge_memory_unit);
        write16(offset::memory_base, has_memory ? (start.start >> 16) & 0xfff0 : 0xfff0);
        write16(offset::memory_limit, has_memory ? ((memory32_.position() - 1) >> 16) & 0xfff0 : 0);
        write16(offset::prefetchable_base, 0xfff0);
        write16(offset::prefetchable_limit, 0);
        bool const has_ports = ports_.position() > start.end;
        ports_.align(bridge_port_unit);
        space_.write(address, offset::io_base, 1, has_ports ? (start.end >> 8) & 0xf0 : 0xf0);
        space_.write(address, offset::io_limit, 1, has_ports ? ((ports_.position() - 1) >> 8) & 0xf0 : 0);
    }

    ConfigurationSpace& space_;
    Cursor memory32_;
    Cursor memory64_;
    Cursor ports_;
    Apertures const& apertures_;
    Enumeration& result_;
};

}  // namespace

Apertures default_apertures(std::uint64_t ecam_base, std::uint64_t ecam_end, std::uint64_t memory_total) {
    constexpr std::uint64_t low = 0xc000'0000, without_ecam = 0xe000'0000, high = 0xfec0'0000;
    Aperture memory32{low, high};
    if (ecam_end == 0)
        memory32.start = without_ecam;
    else if (ecam_base > low && ecam_base < high)
        memory32.end = ecam_base;
    else if (ecam_base <= low && ecam_end > low)
        memory32.start = std::min(ecam_end, high);
    auto const above = align_up(four_gibibytes + memory_total, gibibyte);
    return {.memory32 = memory32, .memory64 = {above, above + 32 * gibibyte}, .ports = {0xc000, 0x1'0000}};
}

void enumerate(ConfigurationSpace& space, std::uint16_t segment, std::uint8_t first_bus, std::uint8_t last_bus,
               Apertures const& apertures, Enumeration& result) {
    Enumerator(space, segment, last_bus, result).scan(first_bus);
    Placer(space, apertures, result).place_all();
}

std::uint32_t interrupt_line_of(Device const& device, Function const& host_bridge) {
    if (device.root_pin == 0)
        return 0;
    auto const slot = device.root.device;
    auto const pin = device.root_pin - 1u;
    auto const chipset = std::uint32_t{host_bridge.vendor} << 16 | host_bridge.device;
    switch (chipset) {
    case 0x8086'29c0:  // Q35 with ICH9: slots below 25 rotate over PIRQ E-H, the chipset's own devices use A-D
        return slot >= 25 ? 16 + pin : 20 + (slot + pin) % 4;
    case 0x1b36'0008:  // QEMU's generic PCI Express host on microvm
        return 16 + (slot + pin) % 4;
    default:  // firmware routed it to an ISA line, or nobody did
        return device.function.interrupt_line < 0xff ? device.function.interrupt_line : 0;
    }
}

}  // namespace astrata::pci
