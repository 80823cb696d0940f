// Vector state of machines where Bedrock alone moves it between the processor and memory.
#pragma once

#include <cstddef>

#include "lib/base/bytes.h"

namespace astrata::linux_abi::generic {

/// How long Bedrock says that a program's state is.
inline constinit std::size_t vector_state_size = 0;

inline void learn_vector_state(std::size_t size) {
    vector_state_size = size;
}
[[nodiscard]] inline bool save_vector_registers(MutableBytes) {
    return false;
}
[[nodiscard]] inline bool load_vector_registers(Bytes) {
    return false;
}
/// A program begins with zeros.
inline void set_initial_vector_state(MutableBytes) {}

}  // namespace astrata::linux_abi::generic
