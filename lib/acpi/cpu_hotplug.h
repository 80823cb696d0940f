// The registers by which QEMU's machines tell of processors that are plugged in and out (QEMU, docs/specs/acpi_cpu_hotplug.rst).
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::acpi::cpu_hotplug {

/// Bit of the general-purpose event registers that a change raises, on both of QEMU's PCs.
inline constexpr std::uint32_t general_event = 2;
inline constexpr std::uint16_t register_bytes = 12;

/// First port of the registers, which the machine's definition block declares.
/// errors    not_found
[[nodiscard]] Result<std::uint16_t> find(Bytes definition_block);

/// Access to the registers, by offset and width in bytes.
template <typename T>
concept Registers = requires(T registers, std::uint16_t offset, unsigned width, std::uint32_t value) {
    { registers.read(offset, width) } -> std::same_as<Result<std::uint32_t>>;
    { registers.write(offset, width, value) } -> std::same_as<Result<>>;
};

// Offsets. The same ones mean different things for reading and writing.
inline constexpr std::uint16_t selector = 0;  // written: which processor the others are about
inline constexpr std::uint16_t status = 4;    // read: bits below; written: which of them to clear
inline constexpr std::uint16_t command = 5;   // written: what `data` holds from then on
inline constexpr std::uint16_t data = 8;      // read: result of the command
inline constexpr std::uint32_t is_present = 1 << 0, was_inserted = 1 << 1, is_to_be_removed = 1 << 2;
enum class Command : std::uint8_t { next_with_event = 0, architecture_id = 3 };

/// What happened to a processor.
struct Event {
    std::uint32_t apic_id = 0;
    bool is_insertion = false;  ///< else its removal is asked for
};

/// Once, before the others: until then the registers are a bitmap of old.
template <Registers T>
[[nodiscard]] Result<> start(T& registers) {
    return registers.write(selector, 4, 0);
}

/// The next event that nobody has taken yet; nothing if there is none.
template <Registers T>
[[nodiscard]] Result<std::optional<Event>> take_event(T& registers) {
    auto const give = [&](Command what) { return registers.write(command, 1, static_cast<std::uint32_t>(what)); };
    // Selects the next processor with an event, or leaves the selected one selected.
    TRY(give(Command::next_with_event));
    auto const flags = TRY(registers.read(status, 1)) & (was_inserted | is_to_be_removed);
    if (flags == 0)
        return std::nullopt;
    TRY(give(Command::architecture_id));
    Event const event{.apic_id = TRY(registers.read(data, 4)), .is_insertion = (flags & was_inserted) != 0};
    TRY(registers.write(status, 1, event.is_insertion ? was_inserted : is_to_be_removed));
    return event;
}

}  // namespace astrata::acpi::cpu_hotplug
