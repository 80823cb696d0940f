// Any bytes: planning, dynamic sections, relocations and symbols either fail or stay inside the file.
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/elf/dynamic.h"
#include "lib/elf/image.h"

#pragma clang unsafe_buffer_usage begin  // the fuzzer's own interface
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const file = std::as_bytes(std::span(data, size));
#pragma clang unsafe_buffer_usage end
    using namespace astrata;
    auto const image = elf::plan(file, elf::Machine::x86_64, std::uint64_t{1} << 47);
    if (!image)
        return 0;
    for (auto const& segment : image->segments)
        (void)file.subspan(segment.offset, segment.file_size);
    auto const dynamic = elf::Dynamic::parse(file, *image);
    if (!dynamic)
        return 0;
    (void)dynamic->find("astrata_handle_close");
    (void)dynamic->for_each_relative(*image, [](std::uint64_t, std::uint64_t) -> Result<> { return {}; });
    return 0;
}
