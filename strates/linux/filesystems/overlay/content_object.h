// The memory objects that hold files' contents, as far as the overlay needs them. A file of its own so that unit tests
// can bring theirs.
#pragma once

#include <cstdint>

#include "abi/message.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi::content_object {

/// errors    enomem, efbig
LinuxResult<abi::Handle> create(std::uint64_t size);
/// A copy of the first `size` bytes of `source` that costs nothing until written: unwritten pages keep showing the
/// source.
LinuxResult<abi::Handle> shadow(abi::Handle source, std::uint64_t size);
LinuxResult<> set_size(abi::Handle object, std::uint64_t size);
/// Frees whole pages in a range and zeroes the rest of it.
LinuxResult<> zero(abi::Handle object, std::uint64_t offset, std::uint64_t length);
/// Bytes that it really takes.
LinuxResult<std::uint64_t> resident_bytes(abi::Handle object);
void close(abi::Handle object);

}  // namespace astrata::linux_abi::content_object
