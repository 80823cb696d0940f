#include "lib/acpi/tables.h"

namespace astrata::acpi {

namespace {

constexpr std::string_view rsdp_signature = "RSD PTR ";
constexpr std::size_t old_rsdp_bytes = 20;

// Entries of MADT and SRAT alike begin with a type byte and a length byte that counts them too.
struct Entry {
    std::uint8_t type;
    Bytes bytes;  // whole, type and length included
};

std::optional<Entry> take_entry(Bytes& rest) {
    auto const type = load<std::uint8_t>(rest, 0);
    auto const length = load<std::uint8_t>(rest, 1);
    if (!type || !length || *length < 2 || *length > rest.size()) {
        rest = {};
        return std::nullopt;
    }
    Entry entry{*type, rest.first(*length)};
    rest = rest.subspan(*length);
    return entry;
}

// Section 5.2.12.5: polarity in bits 0-1, trigger mode in bits 2-3; value 2 of each is reserved.
Polarity polarity_of(std::uint16_t flags) {
    auto const value = flags & 3;
    return value == 1 ? Polarity::active_high : value == 3 ? Polarity::active_low : Polarity::bus_default;
}
Trigger trigger_of(std::uint16_t flags) {
    auto const value = (flags >> 2) & 3;
    return value == 1 ? Trigger::edge : value == 3 ? Trigger::level : Trigger::bus_default;
}

Result<MadtEntry> decode_madt_entry(Entry const& entry) {
    auto const byte = [&](std::size_t offset) { return load<std::uint8_t>(entry.bytes, offset); };
    auto const half = [&](std::size_t offset) { return load<std::uint16_t>(entry.bytes, offset); };
    auto const word = [&](std::size_t offset) { return load<std::uint32_t>(entry.bytes, offset); };
    switch (entry.type) {
    case 0: {
        auto const flags = TRY(word(4));
        return LocalApic{.apic_id = TRY(byte(3)),
                         .processor_uid = TRY(byte(2)),
                         .is_enabled = (flags & 1) != 0,
                         .is_online_capable = (flags & 2) != 0};
    }
    case 1: return IoApic{.id = TRY(byte(2)), .address = PhysAddr{TRY(word(4))}, .first_interrupt = TRY(word(8))};
    case 2: {
        auto const flags = TRY(half(8));
        return InterruptOverride{.isa_line = TRY(byte(3)),
                                 .global_interrupt = TRY(word(4)),
                                 .polarity = polarity_of(flags),
                                 .trigger = trigger_of(flags)};
    }
    case 3: {
        auto const flags = TRY(half(2));
        return NmiSource{
            .global_interrupt = TRY(word(4)), .polarity = polarity_of(flags), .trigger = trigger_of(flags)};
    }
    case 4: {
        auto const uid = TRY(byte(2));
        auto const flags = TRY(half(3));
        return LocalApicNmi{.processor_uid = uid,
                            .is_for_all_processors = uid == 0xff,
                            .local_input = TRY(byte(5)),
                            .polarity = polarity_of(flags),
                            .trigger = trigger_of(flags)};
    }
    case 5: return LocalApicAddress{PhysAddr{TRY(load<std::uint64_t>(entry.bytes, 4))}};
    case 9: {
        auto const flags = TRY(word(8));
        return LocalApic{.apic_id = TRY(word(4)),
                         .processor_uid = TRY(word(12)),
                         .is_enabled = (flags & 1) != 0,
                         .is_online_capable = (flags & 2) != 0};
    }
    case 10: {
        auto const flags = TRY(half(2));
        auto const uid = TRY(word(4));
        return LocalApicNmi{.processor_uid = uid,
                            .is_for_all_processors = uid == 0xffff'ffff,
                            .local_input = TRY(byte(8)),
                            .polarity = polarity_of(flags),
                            .trigger = trigger_of(flags)};
    }
    default: return OtherMadtEntry{entry.type};
    }
}

Result<RegisterAddress> load_register_address(Bytes table, std::size_t offset) {
    auto const space = TRY(load<std::uint8_t>(table, offset));
    auto const width = TRY(load<std::uint8_t>(table, offset + 1));
    auto const address = TRY(load<std::uint64_t>(table, offset + 4));
    if (address == 0 || space > static_cast<std::uint8_t>(RegisterSpace::pci_configuration))
        return RegisterAddress{};
    return RegisterAddress{.space = static_cast<RegisterSpace>(space), .width_bits = width, .address = address};
}

// The extended register of a newer table if it is there, else the port number of the ACPI 1.0 field.
Result<RegisterAddress> load_fixed_register(Bytes table, std::size_t extended, std::size_t old, std::uint8_t bits) {
    if (auto address = load_register_address(table, extended); address && address->exists())
        return address;
    auto const port = TRY(load<std::uint32_t>(table, old));
    if (port == 0)
        return RegisterAddress{};
    return RegisterAddress{.space = RegisterSpace::port, .width_bits = bits, .address = port};
}

// A constant integer of AML (section 20.2.3) at the front of `rest`.
Result<std::uint8_t> take_aml_constant(Bytes& rest) {
    ByteReader reader(rest);
    auto const opcode = TRY(reader.read<std::uint8_t>());
    std::uint64_t value = 0;
    switch (opcode) {
    case 0x00: value = 0; break;                                  // ZeroOp
    case 0x01: value = 1; break;                                  // OneOp
    case 0x0a: value = TRY(reader.read<std::uint8_t>()); break;   // BytePrefix
    case 0x0b: value = TRY(reader.read<std::uint16_t>()); break;  // WordPrefix
    case 0x0c: value = TRY(reader.read<std::uint32_t>()); break;  // DWordPrefix
    default: return fail(Error::not_supported);
    }
    rest = TRY(reader.take(reader.remaining()));
    return static_cast<std::uint8_t>(value & 7);
}

// Name(\_S5, Package { ... }) whose name segment begins at `offset` of `block`.
Result<SleepType> decode_soft_off_package(Bytes block, std::size_t offset) {
    bool const is_named = (offset >= 1 && block[offset - 1] == std::byte{0x08}) ||
                          (offset >= 2 && block[offset - 1] == std::byte{'\\'} && block[offset - 2] == std::byte{0x08});
    if (!is_named)
        return fail(Error::not_found);
    ByteReader reader(block.subspan(offset + 4));
    if (TRY(reader.read<std::uint8_t>()) != 0x12)  // PackageOp
        return fail(Error::not_found);
    // PkgLength, section 20.2.4: the two top bits of its first byte count the bytes that follow.
    auto const lead = TRY(reader.read<std::uint8_t>());
    TRY(reader.take(lead >> 6));
    auto const elements = TRY(reader.read<std::uint8_t>());
    if (elements == 0)
        return fail(Error::not_found);
    auto rest = TRY(reader.take(reader.remaining()));
    SleepType type;
    type.pm1a = TRY(take_aml_constant(rest));
    type.pm1b = elements > 1 ? take_aml_constant(rest).value_or(0) : std::uint8_t{0};
    return type;
}

}  // namespace

bool has_valid_checksum(Bytes bytes) {
    unsigned sum = 0;
    for (auto const byte : bytes)
        sum += std::to_integer<unsigned>(byte);
    return (sum & 0xff) == 0;
}

Result<Rsdp> parse_rsdp(Bytes bytes) {
    if (bytes.size() < old_rsdp_bytes)
        return fail(Error::out_of_range);
    if (as_text(bytes.first(rsdp_signature.size())) != rsdp_signature)
        return fail(Error::not_found);
    if (!has_valid_checksum(bytes.first(old_rsdp_bytes)))
        return fail(Error::corrupt);
    Rsdp rsdp{.revision = TRY(load<std::uint8_t>(bytes, 15)), .rsdt = PhysAddr{TRY(load<std::uint32_t>(bytes, 16))}};
    if (rsdp.revision < 2)
        return rsdp;
    if (bytes.size() < rsdp_bytes)
        return fail(Error::out_of_range);
    // The extended checksum covers the length that the structure gives; only the 36 bytes that we read matter to us.
    if (TRY(load<std::uint32_t>(bytes, 20)) == rsdp_bytes && !has_valid_checksum(bytes.first(rsdp_bytes)))
        return fail(Error::corrupt);
    rsdp.xsdt = PhysAddr{TRY(load<std::uint64_t>(bytes, 24))};
    return rsdp;
}

std::optional<std::size_t> find_rsdp(Bytes area) {
    for (std::size_t offset = 0; offset + old_rsdp_bytes <= area.size(); offset += 16) {
        if (parse_rsdp(area.subspan(offset)))
            return offset;
    }
    return std::nullopt;
}

Result<TableHeader> parse_header(Bytes bytes) {
    if (bytes.size() < header_bytes)
        return fail(Error::out_of_range);
    TableHeader const header{.signature = TRY(load<Signature>(bytes, 0)),
                             .length = TRY(load<std::uint32_t>(bytes, 4)),
                             .revision = TRY(load<std::uint8_t>(bytes, 8))};
    if (header.length < header_bytes || header.length > table_size_limit)
        return fail(Error::corrupt);
    return header;
}

Result<Bytes> check_table(Bytes bytes, Signature expected) {
    auto const header = TRY(parse_header(bytes));
    if (header.signature != expected)
        return fail(Error::wrong_type);
    if (bytes.size() < header.length)
        return fail(Error::out_of_range);
    auto const table = bytes.first(header.length);
    if (!has_valid_checksum(table))
        return fail(Error::corrupt);
    return table;
}

Result<Madt> parse_madt(Bytes bytes) {
    auto const table = TRY(check_table(bytes, signature("APIC")));
    if (table.size() < 44)
        return fail(Error::corrupt);
    return Madt{.local_apic = PhysAddr{TRY(load<std::uint32_t>(table, 36))},
                .has_legacy_pics = (TRY(load<std::uint32_t>(table, 40)) & 1) != 0,
                .entries = table.subspan(44)};
}

std::optional<MadtEntry> MadtReader::next() {
    auto const entry = take_entry(rest_);
    if (!entry)
        return std::nullopt;
    // An entry shorter than its type needs is passed over like an unknown one.
    return decode_madt_entry(*entry).value_or(OtherMadtEntry{entry->type});
}

Result<std::size_t> mcfg_window_count(Bytes bytes) {
    auto const table = TRY(check_table(bytes, signature("MCFG")));
    return table.size() < 44 ? std::size_t{0} : (table.size() - 44) / 16;
}

Result<McfgWindow> mcfg_window(Bytes bytes, std::size_t position) {
    auto const table = TRY(check_table(bytes, signature("MCFG")));
    if (table.size() < 44 || position >= (table.size() - 44) / 16)
        return fail(Error::not_found);
    auto const offset = 44 + position * 16;
    McfgWindow const window{.base = PhysAddr{TRY(load<std::uint64_t>(table, offset))},
                            .segment = TRY(load<std::uint16_t>(table, offset + 8)),
                            .first_bus = TRY(load<std::uint8_t>(table, offset + 10)),
                            .last_bus = TRY(load<std::uint8_t>(table, offset + 11))};
    if (window.last_bus < window.first_bus)
        return fail(Error::corrupt);
    return window;
}

Result<Fadt> parse_fadt(Bytes bytes) {
    auto const table = TRY(check_table(bytes, signature("FACP")));
    if (table.size() < 116)
        return fail(Error::corrupt);
    auto const flags = TRY(load<std::uint32_t>(table, 112));
    auto const wide_dsdt = load<std::uint64_t>(table, 140).value_or(0);
    Fadt fadt{.dsdt = PhysAddr{wide_dsdt != 0 ? wide_dsdt : TRY(load<std::uint32_t>(table, 40))},
              .sci_interrupt = TRY(load<std::uint16_t>(table, 46)),
              .smi_command_port = TRY(load<std::uint32_t>(table, 48)),
              .acpi_enable = TRY(load<std::uint8_t>(table, 52)),
              .pm1a_control = TRY(load_fixed_register(table, 172, 64, 16)),
              .pm1b_control = TRY(load_fixed_register(table, 184, 68, 16)),
              .pm_timer = TRY(load_fixed_register(table, 208, 76, 32)),
              .general_events = TRY(load_fixed_register(table, 220, 80, 8)),
              .general_events_bytes = TRY(load<std::uint8_t>(table, 92)),
              .century_index = TRY(load<std::uint8_t>(table, 108)),
              .is_hardware_reduced = (flags & 1u << 20) != 0,
              .has_wide_pm_timer = (flags & 1u << 8) != 0};
    // Absent from older tables; what cannot be loaded does not exist.
    if ((flags & 1u << 10) != 0) {
        fadt.reset = load_register_address(table, 116).value_or(RegisterAddress{});
        fadt.reset_value = load<std::uint8_t>(table, 128).value_or(0);
    }
    if (fadt.is_hardware_reduced) {
        fadt.sleep_control = load_register_address(table, 244).value_or(RegisterAddress{});
        fadt.sleep_status = load_register_address(table, 256).value_or(RegisterAddress{});
    }
    return fadt;
}

Result<SleepType> find_soft_off_sleep_type(Bytes block) {
    auto const text = as_text(block);
    for (auto offset = text.find("_S5_"); offset != text.npos; offset = text.find("_S5_", offset + 1)) {
        if (auto type = decode_soft_off_package(block, offset))
            return type;
    }
    return fail(Error::not_found);
}

Result<Hpet> parse_hpet(Bytes bytes) {
    auto const table = TRY(check_table(bytes, signature("HPET")));
    auto const id = TRY(load<std::uint32_t>(table, 36));
    auto const base = TRY(load_register_address(table, 40));
    if (base.space != RegisterSpace::memory)
        return fail(Error::not_supported);
    return Hpet{.base = PhysAddr{base.address},
                .comparators = static_cast<std::uint8_t>(((id >> 8) & 0x1f) + 1),
                .has_wide_counter = (id & 1u << 13) != 0,
                .minimum_tick = TRY(load<std::uint16_t>(table, 53))};
}

Result<SratReader> SratReader::create(Bytes bytes) {
    auto const table = TRY(check_table(bytes, signature("SRAT")));
    return SratReader(table.size() < 48 ? Bytes{} : table.subspan(48));
}

std::optional<SratEntry> SratReader::next() {
    while (auto const entry = take_entry(rest_)) {
        auto const decoded = [&]() -> Result<SratEntry> {
            auto const byte = [&](std::size_t offset) { return load<std::uint8_t>(entry->bytes, offset); };
            auto const word = [&](std::size_t offset) { return load<std::uint32_t>(entry->bytes, offset); };
            auto const wide = [&](std::size_t offset) { return load<std::uint64_t>(entry->bytes, offset); };
            switch (entry->type) {
            case 0: {
                if ((TRY(word(4)) & 1) == 0)
                    return fail(Error::not_found);
                std::uint32_t const node = TRY(byte(2)) | std::uint32_t{TRY(byte(9))} << 8 |
                                           std::uint32_t{TRY(byte(10))} << 16 | std::uint32_t{TRY(byte(11))} << 24;
                return CpuAffinity{.apic_id = TRY(byte(3)), .node = node};
            }
            case 1: {
                auto const flags = TRY(word(28));
                if ((flags & 1) == 0)
                    return fail(Error::not_found);
                return MemoryAffinity{.base = PhysAddr{TRY(wide(8))},
                                      .length = TRY(wide(16)),
                                      .node = TRY(word(2)),
                                      .is_hot_pluggable = (flags & 2) != 0};
            }
            case 2:
                if ((TRY(word(12)) & 1) == 0)
                    return fail(Error::not_found);
                return CpuAffinity{.apic_id = TRY(word(8)), .node = TRY(word(4))};
            default: return fail(Error::not_found);
            }
        }();
        if (decoded)
            return *decoded;
    }
    return std::nullopt;
}

Result<Slit> parse_slit(Bytes bytes) {
    auto const table = TRY(check_table(bytes, signature("SLIT")));
    auto const count = TRY(load<std::uint64_t>(table, header_bytes));
    auto const matrix = table.subspan(header_bytes + sizeof(count));
    // The limit keeps the product small; no table that we read could hold more.
    if (count > table_size_limit || count * count > matrix.size())
        return fail(Error::corrupt);
    return Slit{.count = static_cast<std::uint32_t>(count), .matrix = matrix};
}

}  // namespace astrata::acpi
