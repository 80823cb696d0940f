// Any bytes: iteration ends and entries lie inside the archive.
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/cpio/archive.h"

#pragma clang unsafe_buffer_usage begin  // the fuzzer's own interface
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const archive = std::as_bytes(std::span(data, size));
#pragma clang unsafe_buffer_usage end
    astrata::cpio::Reader reader(archive);
    while (auto const entry = reader.next()) {
        if (!*entry)
            break;
        (void)archive.subspan((*entry)->contents_offset, (*entry)->contents.size());
    }
    return 0;
}
