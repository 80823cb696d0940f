#include "strates/linux/exec/load.h"

#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "strates/linux/exec/program_vdso.h"
#include "strates/linux/exec/random_reserve.h"
#include "strates/linux/memory/file_backing.h"
#include "strates/linux/process/process.h"
#include "strates/linux/vfs/operations.h"

namespace astrata::linux_abi {
namespace {

constexpr std::uint64_t position_independent_base = 0x5500'0000'0000;
constexpr std::uint64_t smallest_stack = 128 << 10;
constexpr std::uint64_t largest_stack = 1 << 30;
constexpr std::uint64_t default_stack = 8 << 20;
// Between the stack and what is mapped below it, so that overrunning it faults.
constexpr std::uint64_t stack_guard = 1 << 20;

// As far as Linux moves things: 28 bits of pages for images and mappings, 22 for the stack, 13 for the heap.
constexpr std::uint64_t image_range = std::uint64_t{1} << 40;
constexpr std::uint64_t map_range = std::uint64_t{1} << 40;
constexpr std::uint64_t stack_range = std::uint64_t{1} << 34;
constexpr std::uint64_t heap_range = std::uint64_t{1} << 25;

// Personality bit ADDR_NO_RANDOMIZE (personality(2)): what `setarch -R` and debuggers set.
constexpr std::uint32_t no_randomness = 0x40000;

// A page-aligned random distance below `range`, a power of two; 0 for who wants the same places every time.
std::uint64_t random_pages(Task& task, std::uint64_t range) {
    if ((task.process().personality.load(std::memory_order_relaxed) & no_randomness) != 0)
        return 0;
    std::uint64_t value = 0;
    if (!take_random(std::as_writable_bytes(std::span(&value, 1))).has_value())
        return 0;
    return value & (range - 1) & ~(page_size - 1);
}

struct ParsedFile {
    elf::Image image;
    std::array<std::byte, 64> header;
};

LinuxResult<elf::Image> read_image(File& file) {
    auto size = LTRY(file.end_position());
    std::array<std::byte, 64> header{};
    if (size < header.size())
        return fail(Errno::enoexec);
    LTRY(read_exactly(file, header, 0));
    auto range = LTRY(elf::program_headers(header, size, machine::elf_machine));
    constexpr std::size_t headers_limit = 64;
    std::array<std::byte, headers_limit * sizeof(elf::ProgramHeader)> headers;
    if (range.size > headers.size())
        return fail(Errno::enoexec);
    auto used = std::span(headers).first(range.size);
    LTRY(read_exactly(file, used, range.offset));
    return LTRY(elf::plan(header, used, size, machine::elf_machine, guest_limit));
}

LinuxResult<> map_segment(File& file, Memory& memory, elf::Segment const& segment, std::uint64_t bias) {
    std::uint8_t access = (segment.is_readable ? protection::read : 0) | (segment.is_writable ? protection::write : 0) |
                          (segment.is_executable ? protection::execute : 0);
    auto start = bias + segment.first_page();
    auto file_end = bias + segment.address + segment.file_size;
    auto end = bias + segment.end_page();
    constexpr auto flags = map_flag::private_copy | map_flag::fixed;
    auto mapped_end = start;
    if (segment.file_size != 0) {
        mapped_end = align_up(file_end, page_size);
        MapRequest request{.offset = align_down(segment.offset, page_size),
                           .length = mapped_end - start,
                           .is_writable = segment.is_writable,
                           .is_executable = segment.is_executable};
        auto source = LTRY(map_source_of(file, request));
        LTRY(memory.map(start, request.length, access, flags, std::move(source)));
        // The rest of the last page is zero memory if the segment goes on there. A read-only segment cannot use it.
        if (segment.memory_size > segment.file_size && segment.is_writable && file_end != mapped_end) {
            static constexpr std::array<std::byte, page_size> zeros{};
            auto tail = std::span(zeros).first(mapped_end - file_end);
            if (memory.write(file_end, tail) != tail.size())
                return fail(Errno::enomem);
        }
    }
    if (end > mapped_end)
        LTRY(memory.map(mapped_end, end - mapped_end, access, flags | map_flag::anonymous, {}));
    return {};
}

LinuxResult<> map_image(File& file, Memory& memory, elf::Image const& image, std::uint64_t bias) {
    if (bias + image.begin() < guest_minimum || bias + image.end() > guest_limit)
        return fail(Errno::enomem);
    for (auto const& segment : image.segments.span())
        LTRY(map_segment(file, memory, segment, bias));
    return {};
}

void note_bounds(MemoryLayout& layout, elf::Image const& image, std::uint64_t bias) {
    layout.code_start = ~std::uint64_t{0};
    for (auto const& segment : image.segments.span()) {
        auto start = bias + segment.address;
        auto end = start + segment.file_size;
        if (segment.is_executable) {
            layout.code_start = std::min(layout.code_start, start);
            layout.code_end = std::max(layout.code_end, end);
        }
        if (segment.is_writable) {
            layout.data_start = layout.data_start == 0 ? start : std::min(layout.data_start, start);
            layout.data_end = std::max(layout.data_end, end);
        }
    }
}

LinuxResult<Ref<File>> open_interpreter(Task& task, File& file, elf::FileRange range) {
    std::array<char, 256> path;
    if (range.size < 2 || range.size > path.size())
        return fail(Errno::enoexec);
    auto used = std::span(path).first(range.size);
    LTRY(read_exactly(file, std::as_writable_bytes(used), range.offset));
    if (used.back() != '\0')
        return fail(Errno::enoexec);
    std::string_view text(used.data(), used.size() - 1);
    return open_executable({.context = task.fs(), .credentials = task.credentials()}, text);
}

LinuxResult<> map_stack(Task& task, Memory& memory, LoadedProgram& program, std::uint64_t limit, bool is_executable) {
    auto size = limit == ~std::uint64_t{0} ? default_stack : std::clamp(limit, smallest_stack, largest_stack);
    size = align_up(size, page_size);
    program.stack_top = guest_limit - random_pages(task, stack_range);
    program.stack_bottom = program.stack_top - size;
    std::uint8_t access = protection::read | protection::write | (is_executable ? protection::execute : 0);
    LTRY(memory.map(program.stack_bottom, size, access, map_flag::private_copy | map_flag::fixed | map_flag::anonymous,
                    {}, RegionKind::stack));
    program.layout.map_top = program.stack_bottom - stack_guard - random_pages(task, map_range);
    return {};
}

}  // namespace

LinuxResult<> read_exactly(File& file, MutableBytes into, std::uint64_t offset) {
    auto buffer = IoBuffer::from_memory(into);
    while (!buffer.is_done()) {
        auto done = LTRY(file.read_at(buffer, offset + buffer.transferred()));
        if (done == 0)
            return fail(Errno::enoexec);
    }
    return {};
}

LinuxResult<LoadedProgram> load_program(Task& task, File& file, Memory& memory, std::uint64_t stack_limit) {
    auto image = LTRY(read_image(file));
    LoadedProgram program;
    LTRY(map_stack(task, memory, program, stack_limit, image.wants_executable_stack));
    memory.set_layout(program.layout);  // so that what follows is placed below the stack

    std::uint64_t bias = 0;
    if (image.is_position_independent)
        bias = position_independent_base + random_pages(task, image_range) - image.begin();
    LTRY(map_image(file, memory, image, bias));
    note_bounds(program.layout, image, bias);
    program.program_entry = program.entry = bias + image.entry;
    program.program_headers = image.program_headers_address == 0 ? 0 : bias + image.program_headers_address;
    program.program_header_count = image.program_header_count;
    memory.start_heap(bias + image.end() + random_pages(task, heap_range));

    if (image.interpreter.has_value()) {
        auto interpreter = LTRY(open_interpreter(task, file, *image.interpreter));
        auto loader = LTRY(read_image(*interpreter));
        if (loader.interpreter.has_value())
            return fail(Errno::elibbad);
        std::uint64_t loader_bias = 0;
        if (loader.is_position_independent) {
            // A free place of its size, found by mapping it; the segments then replace that.
            auto size = loader.end() - loader.begin();
            auto place = LTRY(memory.map(0, size, 0, map_flag::private_copy | map_flag::anonymous, {}));
            loader_bias = place - loader.begin();
            LTRY(memory.unmap(place, size));
        }
        LTRY(map_image(*interpreter, memory, loader, loader_bias));
        program.interpreter_base = loader_bias + loader.begin();
        program.entry = loader_bias + loader.entry;
    }
    program.layout.vdso = LTRY(map_program_vdso(memory));
    return program;
}

}  // namespace astrata::linux_abi
