// Any bytes: parsing fails, or grants and arguments stay inside.
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/start/start_block.h"

#pragma clang unsafe_buffer_usage begin  // the fuzzer's own interface
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const bytes = std::as_bytes(std::span(data, size));
#pragma clang unsafe_buffer_usage end
    auto const block = astrata::start::StartBlock::parse(bytes);
    if (!block)
        return 0;
    (void)block->grant(1, 1);
    for (std::size_t i = 0; i <= block->argument_count(); ++i)
        (void)block->argument(i);
    return 0;
}
