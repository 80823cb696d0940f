// The static ACPI tables (ACPI 6.5, chapter 5), decoded from bytes that firmware supplied and nobody has checked yet.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::acpi {

using Signature = std::array<char, 4>;

constexpr Signature signature(char const (&text)[5]) {
    return {text[0], text[1], text[2], text[3]};
}

inline constexpr std::size_t header_bytes = 36;           // what every table but the RSDP begins with
inline constexpr std::size_t rsdp_bytes = 36;             // from revision 2 on; 20 before
inline constexpr std::size_t table_size_limit = 1 << 20;  // no table we read is longer; protects against absurd lengths

/// Section 5.2.5.3. One of the two addresses may be 0.
struct Rsdp {
    std::uint8_t revision = 0;
    PhysAddr rsdt;  ///< 32-bit pointers
    PhysAddr xsdt;  ///< 64-bit pointers, preferred when not 0
};

/// Section 5.2.6.
struct TableHeader {
    Signature signature{};
    std::uint32_t length = 0;  ///< of the whole table, header included
    std::uint8_t revision = 0;
};

/// True when all bytes add up to 0 modulo 256.
[[nodiscard]] bool has_valid_checksum(Bytes bytes);

/// Checks signature and checksums of an RSDP at the beginning of `bytes`.
/// errors    out_of_range (too short), not_found (no signature), corrupt (checksum)
[[nodiscard]] Result<Rsdp> parse_rsdp(Bytes bytes);

/// Offset of the first valid RSDP in a firmware area (16-byte aligned, section 5.2.5.1).
[[nodiscard]] std::optional<std::size_t> find_rsdp(Bytes area);

/// The header alone; the checksum needs the whole table, see check_table.
/// errors    out_of_range, corrupt (length below the header's or above table_size_limit)
[[nodiscard]] Result<TableHeader> parse_header(Bytes bytes);

/// `bytes` cut to the table's own length, after checking signature and checksum.
/// errors    out_of_range (shorter than the header says), wrong_type (another signature), corrupt
[[nodiscard]] Result<Bytes> check_table(Bytes bytes, Signature expected);

// ---- MADT (section 5.2.12): processors and interrupt controllers ----

struct Madt {
    PhysAddr local_apic;           ///< of every CPU, unless an address override entry follows
    bool has_legacy_pics = false;  ///< PCAT_COMPAT: two 8259 exist and must be masked
    Bytes entries;                 ///< for MadtReader; borrowed from the table
};

struct LocalApic {  // types 0 and 9; the x2APIC form has a 32-bit id
    std::uint32_t apic_id = 0;
    std::uint32_t processor_uid = 0;
    bool is_enabled = false;
    bool is_online_capable = false;
};
struct IoApic {  // type 1
    std::uint8_t id = 0;
    PhysAddr address;
    std::uint32_t first_interrupt = 0;  ///< global system interrupt of its input 0
};

enum class Polarity : std::uint8_t { bus_default = 0, active_high = 1, active_low = 3 };
enum class Trigger : std::uint8_t { bus_default = 0, edge = 1, level = 3 };

struct InterruptOverride {  // type 2: an ISA line is wired to another global system interrupt
    std::uint8_t isa_line = 0;
    std::uint32_t global_interrupt = 0;
    Polarity polarity = Polarity::bus_default;
    Trigger trigger = Trigger::bus_default;
};
struct NmiSource {  // type 3
    std::uint32_t global_interrupt = 0;
    Polarity polarity = Polarity::bus_default;
    Trigger trigger = Trigger::bus_default;
};
struct LocalApicNmi {  // types 4 and 10
    std::uint32_t processor_uid = 0;
    bool is_for_all_processors = false;
    std::uint8_t local_input = 0;  ///< LINT0 or LINT1
    Polarity polarity = Polarity::bus_default;
    Trigger trigger = Trigger::bus_default;
};
struct LocalApicAddress {  // type 5
    PhysAddr address;
};
struct OtherMadtEntry {  // an entry of no interest to us
    std::uint8_t type = 0;
};

using MadtEntry =
    std::variant<OtherMadtEntry, LocalApic, IoApic, InterruptOverride, NmiSource, LocalApicNmi, LocalApicAddress>;

/// errors    as check_table; corrupt (shorter than its fixed part)
[[nodiscard]] Result<Madt> parse_madt(Bytes table);

/// Hands out MADT entries one by one.
class MadtReader {
public:
    explicit MadtReader(Madt const& madt) : rest_(madt.entries) {}

    /// The next entry; nothing at the end of the table, and also when an entry's length is impossible: what came before
    /// is still good, and a machine with half a table is better off than one that does not boot.
    std::optional<MadtEntry> next();

private:
    Bytes rest_;
};

// ---- MCFG (PCI Firmware Specification 3.3, section 4.1.2) ----

struct McfgWindow {
    PhysAddr base;  ///< of bus 0, even if first_bus is not 0
    std::uint16_t segment = 0;
    std::uint8_t first_bus = 0;
    std::uint8_t last_bus = 0;
};

/// How many windows the table holds, and one of them.
/// errors    as check_table
[[nodiscard]] Result<std::size_t> mcfg_window_count(Bytes table);
/// errors    as check_table; not_found (position), corrupt (last bus below first)
[[nodiscard]] Result<McfgWindow> mcfg_window(Bytes table, std::size_t position);

// ---- FADT (section 5.2.9): fixed hardware ----

enum class RegisterSpace : std::uint8_t { memory = 0, port = 1, pci_configuration = 2, none = 0xff };

/// Generic Address Structure, section 5.2.3.2.
struct RegisterAddress {
    RegisterSpace space = RegisterSpace::none;
    std::uint8_t width_bits = 0;
    std::uint64_t address = 0;

    [[nodiscard]] bool exists() const { return space != RegisterSpace::none; }
};

struct Fadt {
    PhysAddr dsdt;
    std::uint16_t sci_interrupt = 0;
    std::uint32_t smi_command_port = 0;  ///< 0: ACPI mode is always on
    std::uint8_t acpi_enable = 0;        ///< written there to switch ACPI mode on
    RegisterAddress pm1a_control;
    RegisterAddress pm1b_control;
    RegisterAddress pm_timer;
    RegisterAddress general_events;         ///< GPE0_BLK: status bits, then as many enable bits
    std::uint8_t general_events_bytes = 0;  ///< of both
    RegisterAddress sleep_control;  ///< hardware-reduced machines
    RegisterAddress sleep_status;
    RegisterAddress reset;  ///< absent unless the table says it is supported
    std::uint8_t reset_value = 0;
    std::uint8_t century_index = 0;  ///< CMOS RTC register of the century, 0: none
    bool is_hardware_reduced = false;
    bool has_wide_pm_timer = false;  ///< 32 bits instead of 24
};

/// errors    as check_table; corrupt (shorter than ACPI 1.0's)
[[nodiscard]] Result<Fadt> parse_fadt(Bytes table);

/// SLP_TYP values of the state S5 (soft off) from the package \_S5 of a DSDT or SSDT.
struct SleepType {
    std::uint8_t pm1a = 0;  ///< also the value for the sleep control register
    std::uint8_t pm1b = 0;
};
/// errors    not_found (no such constant package)
[[nodiscard]] Result<SleepType> find_soft_off_sleep_type(Bytes definition_block);

/// Section 4.8.3.2.1: SLP_TYP in bits 10-12, SLP_EN in bit 13.
constexpr std::uint16_t pm1_sleep_value(std::uint8_t sleep_type) {
    return static_cast<std::uint16_t>((sleep_type & 7) << 10 | 1 << 13);
}
/// Section 4.8.3.7: SLP_TYP in bits 2-4, SLP_EN in bit 5.
constexpr std::uint8_t sleep_control_value(std::uint8_t sleep_type) {
    return static_cast<std::uint8_t>((sleep_type & 7) << 2 | 1 << 5);
}

// ---- HPET (IA-PC HPET 1.0a, section 3.2.4) ----

struct Hpet {
    PhysAddr base;
    std::uint8_t comparators = 0;
    bool has_wide_counter = false;  ///< 64 bits instead of 32
    std::uint16_t minimum_tick = 0;
};
/// errors    as check_table; not_supported (its registers are not memory)
[[nodiscard]] Result<Hpet> parse_hpet(Bytes table);

// ---- SRAT (section 5.2.16): which CPU and which memory is near ----

struct CpuAffinity {  // types 0 and 2
    std::uint32_t apic_id = 0;
    std::uint32_t node = 0;
};
struct MemoryAffinity {  // type 1
    PhysAddr base;
    std::uint64_t length = 0;
    std::uint32_t node = 0;
    bool is_hot_pluggable = false;
};
using SratEntry = std::variant<CpuAffinity, MemoryAffinity>;

/// Hands out the enabled SRAT entries that we know, one by one.
class SratReader {
public:
    /// errors    as check_table
    [[nodiscard]] static Result<SratReader> create(Bytes table);
    std::optional<SratEntry> next();

private:
    explicit SratReader(Bytes entries) : rest_(entries) {}
    Bytes rest_;
};

// ---- SLIT (section 5.2.17): how far nodes are apart ----

struct Slit {
    std::uint32_t count = 0;  ///< domains it knows
    Bytes matrix;             ///< count * count; borrowed from the table

    /// errors    out_of_range (a domain it does not know)
    [[nodiscard]] Result<std::uint8_t> distance(std::uint32_t from, std::uint32_t to) const {
        if (from >= count || to >= count)
            return fail(Error::out_of_range);
        return load<std::uint8_t>(matrix, std::size_t{from} * count + to);
    }
};
/// errors    as check_table; corrupt (shorter than its matrix)
[[nodiscard]] Result<Slit> parse_slit(Bytes table);

// ---- Finding tables ----

/// Walks from the RSDP to the tables. `Map` is called as `Bytes map(PhysAddr address, std::size_t size)` and returns at
/// least `size` readable bytes, which stay valid as long as the finder's results are used, or fewer if it cannot.
template <typename Map>
class TableFinder {
public:
    /// rsdp      where the boot protocol said the RSDP lies
    /// errors    as parse_rsdp and check_table
    [[nodiscard]] static Result<TableFinder> create(Map map, PhysAddr rsdp) {
        auto root = parse_rsdp(map(rsdp, rsdp_bytes));
        if (!root && root.error() == Error::out_of_range)
            root = parse_rsdp(map(rsdp, 20));
        if (!root)
            return fail(root.error());
        bool const is_wide = root->xsdt.value != 0;
        auto const address = is_wide ? root->xsdt : root->rsdt;
        auto pointers = TRY(map_table(map, address, signature(is_wide ? "XSDT" : "RSDT")));
        return TableFinder(std::move(map), pointers.subspan(header_bytes), is_wide);
    }

    /// The `position`-th valid table with this signature, whole.
    /// errors    not_found
    [[nodiscard]] Result<Bytes> find(Signature wanted, std::size_t position = 0) {
        for (std::size_t index = 0; index < count(); ++index) {
            auto table = table_at(index, wanted);
            // A table that is broken or another one is passed over: the next may be good.
            if (table && position-- == 0)
                return *table;
        }
        return fail(Error::not_found);
    }

    /// The definition block (DSDT) that a FADT points to, whole.
    [[nodiscard]] Result<Bytes> definition_block(Fadt const& fadt) {
        return map_table(map_, fadt.dsdt, signature("DSDT"));
    }

    [[nodiscard]] std::size_t count() const { return pointers_.size() / pointer_bytes(); }

private:
    TableFinder(Map map, Bytes pointers, bool is_wide) : map_(std::move(map)), pointers_(pointers), is_wide_(is_wide) {}

    [[nodiscard]] std::size_t pointer_bytes() const { return is_wide_ ? 8 : 4; }

    Result<Bytes> table_at(std::size_t index, Signature wanted) {
        auto const offset = index * pointer_bytes();
        std::uint64_t const address =
            is_wide_ ? TRY(load<std::uint64_t>(pointers_, offset)) : TRY(load<std::uint32_t>(pointers_, offset));
        return map_table(map_, PhysAddr{address}, wanted);
    }

    static Result<Bytes> map_table(Map& map, PhysAddr address, Signature wanted) {
        if (address.value == 0)
            return fail(Error::not_found);
        auto const header = TRY(parse_header(map(address, header_bytes)));
        if (header.signature != wanted)
            return fail(Error::wrong_type);
        return check_table(map(address, header.length), wanted);
    }

    Map map_;
    Bytes pointers_;
    bool is_wide_;
};

}  // namespace astrata::acpi
