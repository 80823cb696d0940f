// The dynamic section of an ELF64 file in memory: relative relocations and symbols.
#pragma once

#include <concepts>
#include <string_view>

#include "lib/elf/image.h"
#include "machine/elf.h"

namespace astrata::elf {

/// Rela, as in the file.
struct Relocation {
    le64 offset;
    le64 info;
    le64 addend;

    [[nodiscard]] std::uint32_t type() const { return static_cast<std::uint32_t>(info); }
};
static_assert(sizeof(Relocation) == 24);

/// Sym, as in the file.
struct Symbol {
    le32 name;
    unsigned char info;
    unsigned char other;
    le16 section;  // 0: undefined
    le64 value;
    le64 size;
};
static_assert(sizeof(Symbol) == 24);

/// What the loader needs of the dynamic section; the bytes are borrowed from the file.
struct Dynamic {
    Bytes relocations;  // DT_RELA, whole entries
    Bytes symbols;      // DT_SYMTAB, as many as DT_HASH says
    Bytes strings;      // DT_STRTAB
    Bytes hash;         // DT_HASH: bucket count, chain count, buckets, chains

    /// A file without dynamic section gives an empty one.
    /// errors    bad_executable
    [[nodiscard]] static Result<Dynamic> parse(Bytes file, Image const& image);

    /// The address of a defined symbol, relative to the load bias.
    /// errors    not_found
    [[nodiscard]] Result<std::uint64_t> find(std::string_view name) const;

    /// Calls `apply(offset, addend)` for each relocation of a static position-independent executable: the word at
    /// `offset` becomes base + addend. Each word lies in a writable segment of the image. errors    bad_executable
    /// (another kind of relocation, or a word outside), and what `apply` returns
    template <std::invocable<std::uint64_t, std::uint64_t> Apply>
    [[nodiscard]] Result<> for_each_relative(Image const& image, Apply apply) const {
        for (std::size_t at = 0; at != relocations.size(); at += sizeof(Relocation)) {
            auto const relocation = TRY(load<Relocation>(relocations, at));
            if (relocation.type() == relocation_none)
                continue;
            if (relocation.type() != relocation_relative || !is_writable_word(image, relocation.offset))
                return fail(Error::bad_executable);
            TRY(apply(std::uint64_t{relocation.offset}, std::uint64_t{relocation.addend}));
        }
        return {};
    }

private:
    [[nodiscard]] static bool is_writable_word(Image const& image, std::uint64_t address);
};

}  // namespace astrata::elf
