// The load plan of an ELF64 executable. Every number in it has been checked against the file's size and the others.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/units.h"
#include "lib/containers/static_vector.h"

namespace astrata::elf {

/// e_machine
enum class Machine : std::uint16_t { x86_64 = 62, aarch64 = 183, riscv = 243 };

/// Ehdr, as in the file.
struct FileHeader {
    std::array<unsigned char, 16> identification;  // e_ident
    le16 type;                                     // e_type: 2 executable, 3 shared object or position independent
    le16 machine;
    le32 version;
    le64 entry;
    le64 program_header_offset;  // e_phoff
    le64 section_header_offset;
    le32 flags;
    le16 header_size;           // e_ehsize
    le16 program_header_size;   // e_phentsize
    le16 program_header_count;  // e_phnum
    le16 section_header_size;
    le16 section_header_count;
    le16 section_names;
};
static_assert(sizeof(FileHeader) == 64);

/// Phdr, as in the file.
struct ProgramHeader {
    le32 type;
    le32 flags;  // 1 execute, 2 write, 4 read
    le64 offset;
    le64 address;  // p_vaddr
    le64 physical_address;
    le64 file_size;
    le64 memory_size;
    le64 alignment;
};
static_assert(sizeof(ProgramHeader) == 56);

/// A part of the file.
struct FileRange {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// PT_LOAD: `file_size` bytes at `offset` go to `address`; the rest up to `memory_size` is zero. Offset and address
/// agree modulo the page size. Addresses are relative to the load bias of a position-independent image.
struct Segment {
    std::uint64_t offset = 0;
    std::uint64_t address = 0;
    std::uint64_t file_size = 0;
    std::uint64_t memory_size = 0;
    bool is_readable = false;
    bool is_writable = false;
    bool is_executable = false;

    [[nodiscard]] std::uint64_t first_page() const { return align_down(address, page_size); }
    [[nodiscard]] std::uint64_t end_page() const { return align_up(address + memory_size, page_size); }
};

/// PT_TLS: the initial contents of thread-local storage.
struct TlsTemplate {
    std::uint64_t offset = 0;
    std::uint64_t address = 0;
    std::uint64_t file_size = 0;
    std::uint64_t memory_size = 0;
    std::uint64_t alignment = 1;  // a power of two
};

/// A range of the loaded image.
struct MemoryRange {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};

struct Image {
    static constexpr std::size_t segment_limit = 16;

    bool is_position_independent = false;
    std::uint64_t entry = 0;                        // lies in an executable segment
    StaticVector<Segment, segment_limit> segments;  // ascending, not overlapping
    std::optional<FileRange> interpreter;           // PT_INTERP: path with its NUL
    std::optional<TlsTemplate> tls;
    std::optional<FileRange> dynamic;                       // PT_DYNAMIC, in the file
    std::optional<MemoryRange> read_only_after_relocation;  // PT_GNU_RELRO
    bool wants_executable_stack = false;                    // PT_GNU_STACK with execute
    bool has_shared_pages = false;                          // two segments meet inside one page
    std::uint64_t program_headers_address = 0;              // for AT_PHDR; 0: not loaded
    std::uint16_t program_header_count = 0;

    /// Page-aligned extent of all segments.
    [[nodiscard]] std::uint64_t begin() const { return segments.span().front().first_page(); }
    [[nodiscard]] std::uint64_t end() const { return segments.back().end_page(); }
    /// Where [address, address + size) of the loaded image lies in the file.
    /// errors    bad_executable (not wholly in one segment's file contents)
    [[nodiscard]] Result<std::uint64_t> file_offset(std::uint64_t address, std::uint64_t size) const;
    /// The same image for bytes that are not the file but the loaded image: every file offset becomes an address.
    /// errors    bad_executable (the dynamic section is not loaded)
    [[nodiscard]] Result<Image> as_loaded() const;
};

/// Where the program headers lie, from the first 64 bytes of a file of `file_size` bytes.
/// errors    bad_executable
[[nodiscard]] Result<FileRange> program_headers(Bytes start_of_file, std::uint64_t file_size, Machine machine);

/// Plans from the first 64 bytes and the program headers, so that a loader need not have the whole file in memory.
/// `address_limit` is the first address that segments (relative to the load bias) may not reach.
/// errors    bad_executable
[[nodiscard]] Result<Image> plan(Bytes start_of_file, Bytes program_headers, std::uint64_t file_size, Machine machine,
                                 std::uint64_t address_limit);

/// The same for a file in memory.
[[nodiscard]] Result<Image> plan(Bytes file, Machine machine, std::uint64_t address_limit);

}  // namespace astrata::elf
