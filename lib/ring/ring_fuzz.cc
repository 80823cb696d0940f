// Two ends of a ring, one or both of them hostile; see ring_world.h.
#include <span>

#include "lib/ring/ring_world.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface is a pointer and a length
    astrata::testing::Choices choices(std::as_bytes(std::span(data, size)));
#pragma clang unsafe_buffer_usage end
    astrata::ring::RingWorld(choices).run();
    return 0;
}
