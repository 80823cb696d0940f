// Bedrock's random number generator: ChaCha20 with fast key erasure, seeded from the processor's generator where there is one and
// from the counter's jitter and the moments at which interrupts came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace astrata::kernel {

/// From thread context.
void fill_random(std::span<std::byte> into);
/// Stirs in something unpredictable, all of it before anybody reads again; how unpredictable does not matter.
void add_entropy(std::span<std::byte const> seed);

}  // namespace astrata::kernel
