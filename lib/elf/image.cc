#include "lib/elf/image.h"

#include <bit>

namespace astrata::elf {

namespace {

constexpr std::uint16_t type_executable = 2;
constexpr std::uint16_t type_shared = 3;
constexpr std::uint16_t program_header_limit = 64;

enum : std::uint32_t {
    pt_load = 1,
    pt_dynamic = 2,
    pt_interp = 3,
    pt_phdr = 6,
    pt_tls = 7,
    pt_gnu_stack = 0x6474e551,
    pt_gnu_relro = 0x6474e552,
};

constexpr std::uint32_t flag_execute = 1;
constexpr std::uint32_t flag_write = 2;
constexpr std::uint32_t flag_read = 4;

std::unexpected<Error> bad() {
    return fail(Error::bad_executable);
}

/// True when [offset, offset + size) lies in [0, limit).
constexpr bool fits(std::uint64_t offset, std::uint64_t size, std::uint64_t limit) {
    return offset <= limit && size <= limit - offset;
}

Result<FileHeader> checked_header(Bytes start, Machine machine) {
    auto const header = load<FileHeader>(start, 0);
    if (!header)
        return bad();
    auto const& id = header->identification;
    bool const is_elf64 = id[0] == 0x7f && id[1] == 'E' && id[2] == 'L' && id[3] == 'F' && id[4] == 2;
    bool const is_little_endian_version_1 = id[5] == 1 && id[6] == 1 && header->version == 1;
    bool const is_program = header->type == type_executable || header->type == type_shared;
    if (!is_elf64 || !is_little_endian_version_1 || !is_program ||
        header->machine != static_cast<std::uint16_t>(machine))
        return bad();
    if (header->program_header_size != sizeof(ProgramHeader) || header->program_header_count == 0 ||
        header->program_header_count > program_header_limit)
        return bad();
    return *header;
}

Result<> add_segment(Image& image, ProgramHeader const& header, std::uint64_t file_size, std::uint64_t address_limit) {
    if (header.memory_size == 0)
        return {};
    if (header.file_size > header.memory_size || !fits(header.offset, header.file_size, file_size) ||
        !fits(header.address, header.memory_size, address_limit))
        return bad();
    if (header.alignment > 1 && !std::has_single_bit(std::uint64_t{header.alignment}))
        return bad();
    if ((header.offset - header.address) % page_size != 0)
        return bad();
    if (!image.segments.is_empty()) {
        auto const& previous = image.segments.back();
        if (header.address < previous.address + previous.memory_size)
            return bad();
        image.has_shared_pages |= header.address < previous.end_page();
    }
    auto const added = image.segments.push_back({
        .offset = header.offset,
        .address = header.address,
        .file_size = header.file_size,
        .memory_size = header.memory_size,
        .is_readable = (header.flags & flag_read) != 0,
        .is_writable = (header.flags & flag_write) != 0,
        .is_executable = (header.flags & flag_execute) != 0,
    });
    return added ? Result<>() : bad();
}

Result<> add_header(Image& image, ProgramHeader const& header, std::uint64_t file_size, std::uint64_t address_limit) {
    switch (header.type) {
    case pt_load: return add_segment(image, header, file_size, address_limit);
    case pt_interp:
        if (image.interpreter || header.file_size < 2 || !fits(header.offset, header.file_size, file_size))
            return bad();
        image.interpreter = {.offset = header.offset, .size = header.file_size};
        return {};
    case pt_dynamic:
        if (image.dynamic || !fits(header.offset, header.file_size, file_size))
            return bad();
        image.dynamic = {.offset = header.offset, .size = header.file_size};
        return {};
    case pt_tls:
        if (image.tls || header.file_size > header.memory_size || !fits(header.offset, header.file_size, file_size) ||
            !fits(header.address, header.memory_size, address_limit))
            return bad();
        if (header.alignment > 1 &&
            (!std::has_single_bit(std::uint64_t{header.alignment}) || header.alignment > page_size))
            return bad();
        image.tls = {.offset = header.offset,
                     .address = header.address,
                     .file_size = header.file_size,
                     .memory_size = header.memory_size,
                     .alignment = header.alignment > 1 ? std::uint64_t{header.alignment} : 1};
        return {};
    case pt_phdr:
        if (!fits(header.address, header.memory_size, address_limit))
            return bad();
        image.program_headers_address = header.address;
        return {};
    case pt_gnu_stack: image.wants_executable_stack = (header.flags & flag_execute) != 0; return {};
    case pt_gnu_relro:
        if (!fits(header.address, header.memory_size, address_limit))
            return bad();
        image.read_only_after_relocation = {.address = header.address, .size = header.memory_size};
        return {};
    default: return {};  // notes and what the future brings; the specification has loaders skip them
    }
}

}  // namespace

Result<std::uint64_t> Image::file_offset(std::uint64_t address, std::uint64_t size) const {
    for (auto const& segment : segments) {
        if (address >= segment.address && fits(address - segment.address, size, segment.file_size))
            return segment.offset + (address - segment.address);
    }
    return bad();
}

Result<Image> Image::as_loaded() const {
    Image loaded = *this;
    loaded.interpreter.reset();
    if (dynamic) {
        loaded.dynamic.reset();
        for (auto const& segment : segments) {
            if (dynamic->offset >= segment.offset &&
                fits(dynamic->offset - segment.offset, dynamic->size, segment.file_size))
                loaded.dynamic = {.offset = segment.address + (dynamic->offset - segment.offset),
                                  .size = dynamic->size};
        }
        if (!loaded.dynamic)
            return bad();
    }
    for (auto& segment : loaded.segments) {
        segment.offset = segment.address;
        segment.file_size = segment.memory_size;
    }
    return loaded;
}

Result<FileRange> program_headers(Bytes start_of_file, std::uint64_t file_size, Machine machine) {
    auto const header = TRY(checked_header(start_of_file, machine));
    FileRange const range{.offset = header.program_header_offset,
                          .size = std::uint64_t{header.program_header_count} * sizeof(ProgramHeader)};
    if (!fits(range.offset, range.size, file_size))
        return bad();
    return range;
}

Result<Image> plan(Bytes start_of_file, Bytes headers, std::uint64_t file_size, Machine machine,
                   std::uint64_t address_limit) {
    auto const header = TRY(checked_header(start_of_file, machine));
    auto const range = TRY(program_headers(start_of_file, file_size, machine));
    if (headers.size() < range.size || !is_aligned(address_limit, page_size))
        return bad();
    Image image;
    image.is_position_independent = header.type == type_shared;
    image.entry = header.entry;
    image.program_header_count = header.program_header_count;
    for (std::size_t i = 0; i != image.program_header_count; ++i) {
        auto const segment = TRY(load<ProgramHeader>(headers, i * sizeof(ProgramHeader)));
        TRY(add_header(image, segment, file_size, address_limit));
    }
    if (image.segments.is_empty())
        return bad();
    bool entry_is_executable = false;
    for (auto const& segment : image.segments) {
        entry_is_executable |= segment.is_executable && image.entry >= segment.address &&
                               image.entry - segment.address < segment.memory_size;
        bool const has_headers =
            range.offset >= segment.offset && fits(range.offset - segment.offset, range.size, segment.file_size);
        if (image.program_headers_address == 0 && has_headers)
            image.program_headers_address = segment.address + (range.offset - segment.offset);
    }
    if (!entry_is_executable)
        return bad();
    return image;
}

Result<Image> plan(Bytes file, Machine machine, std::uint64_t address_limit) {
    auto const range = TRY(program_headers(file, file.size(), machine));
    return plan(file, file.subspan(range.offset, range.size), file.size(), machine, address_limit);
}

}  // namespace astrata::elf
