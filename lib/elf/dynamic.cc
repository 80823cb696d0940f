#include "lib/elf/dynamic.h"

namespace astrata::elf {

namespace {

enum : std::uint64_t {
    dt_null = 0,
    dt_hash = 4,
    dt_strtab = 5,
    dt_symtab = 6,
    dt_rela = 7,
    dt_relasz = 8,
    dt_relaent = 9,
    dt_strsz = 10,
    dt_syment = 11,
};

struct Entry {
    le64 tag;
    le64 value;
};
static_assert(sizeof(Entry) == 16);

struct Addresses {
    std::uint64_t hash = 0, strings = 0, strings_size = 0, symbols = 0, relocations = 0, relocations_size = 0;
    std::uint64_t relocation_entry = sizeof(Relocation), symbol_entry = sizeof(Symbol);
};

Result<Addresses> read_addresses(Bytes dynamic) {
    Addresses found;
    for (std::size_t at = 0; dynamic.size() - at >= sizeof(Entry); at += sizeof(Entry)) {
        auto const entry = TRY(load<Entry>(dynamic, at));
        switch (entry.tag) {
        case dt_null: return found;
        case dt_hash: found.hash = entry.value; break;
        case dt_strtab: found.strings = entry.value; break;
        case dt_symtab: found.symbols = entry.value; break;
        case dt_rela: found.relocations = entry.value; break;
        case dt_relasz: found.relocations_size = entry.value; break;
        case dt_relaent: found.relocation_entry = entry.value; break;
        case dt_strsz: found.strings_size = entry.value; break;
        case dt_syment: found.symbol_entry = entry.value; break;
        default: break;
        }
    }
    return found;
}

Result<Bytes> at_address(Bytes file, Image const& image, std::uint64_t address, std::uint64_t size) {
    auto const offset = TRY(image.file_offset(address, size));
    if (offset > file.size() || size > file.size() - offset)
        return fail(Error::bad_executable);
    return file.subspan(offset, size);
}

// The hash function of DT_HASH, gabi 4.1 chapter 5.
std::uint32_t system_v_hash(std::string_view name) {
    std::uint32_t hash = 0;
    for (char const character : name) {
        hash = (hash << 4) + static_cast<unsigned char>(character);
        auto const high = hash & 0xf0000000;
        hash = (hash ^ (high >> 24)) & ~high;
    }
    return hash;
}

std::uint32_t word(Bytes bytes, std::size_t position) {
    auto const value = load<le32>(bytes, position * sizeof(le32));
    return value ? std::uint32_t{*value} : 0;
}

}  // namespace

Result<Dynamic> Dynamic::parse(Bytes file, Image const& image) {
    Dynamic dynamic;
    if (!image.dynamic)
        return dynamic;
    if (image.dynamic->offset > file.size() || image.dynamic->size > file.size() - image.dynamic->offset)
        return fail(Error::bad_executable);
    auto const found = TRY(read_addresses(file.subspan(image.dynamic->offset, image.dynamic->size)));
    if (found.relocation_entry != sizeof(Relocation) || found.symbol_entry != sizeof(Symbol) ||
        found.relocations_size % sizeof(Relocation) != 0)
        return fail(Error::bad_executable);
    if (found.relocations_size != 0)
        dynamic.relocations = TRY(at_address(file, image, found.relocations, found.relocations_size));
    if (found.strings_size != 0)
        dynamic.strings = TRY(at_address(file, image, found.strings, found.strings_size));
    if (found.hash != 0 && found.symbols != 0) {
        auto const counts = TRY(at_address(file, image, found.hash, 2 * sizeof(le32)));
        auto const buckets = std::uint64_t{word(counts, 0)};
        auto const chains = std::uint64_t{word(counts, 1)};
        dynamic.hash = TRY(at_address(file, image, found.hash, (2 + buckets + chains) * sizeof(le32)));
        dynamic.symbols = TRY(at_address(file, image, found.symbols, chains * sizeof(Symbol)));
    }
    return dynamic;
}

Result<std::uint64_t> Dynamic::find(std::string_view name) const {
    std::size_t const buckets = word(hash, 0);
    std::size_t const chains = word(hash, 1);
    if (buckets == 0)
        return fail(Error::not_found);
    auto index = word(hash, 2 + system_v_hash(name) % buckets);
    // A chain is never longer than the table; a longer one is a cycle.
    for (std::size_t steps = 0; index != 0 && index < chains && steps != chains; ++steps) {
        auto const symbol = TRY(load<Symbol>(symbols, std::size_t{index} * sizeof(Symbol)));
        if (symbol.name < strings.size()) {
            auto const rest = as_text(strings.subspan(symbol.name));
            if (rest.starts_with(name) && rest.size() > name.size() && rest[name.size()] == '\0' && symbol.section != 0)
                return std::uint64_t{symbol.value};
        }
        index = word(hash, 2 + buckets + index);
    }
    return fail(Error::not_found);
}

bool Dynamic::is_writable_word(Image const& image, std::uint64_t address) {
    for (auto const& segment : image.segments) {
        if (segment.is_writable && address >= segment.address && segment.memory_size >= sizeof(std::uint64_t) &&
            address - segment.address <= segment.memory_size - sizeof(std::uint64_t))
            return true;
    }
    return false;
}

}  // namespace astrata::elf
