// Memory for kernel objects: slabs of equal pieces up to 2 KiB, whole contiguous pages above. The direct map makes it
// addressable. There is no operator new in the kernel; objects are built by make_object.
#pragma once

#include <cstddef>
#include <cstdint>

namespace astrata::kernel::mem {

/// Memory of at least `size` bytes, aligned to 16 (to a page from one page on), contents undefined. Null when there is
/// none, and for size 0. context   any but interrupts
[[nodiscard]] void* heap_allocate(std::size_t size);
/// `size` as it was asked for. Null is allowed.
void heap_free(void* memory, std::size_t size);

/// What an allocation of `size` bytes really takes; accounts are charged this.
[[nodiscard]] std::size_t heap_charge(std::size_t size);
/// Gives this CPU's cached pieces back, before it goes offline.
void drain_heap_cache();

/// Forgets all slabs; for tests that set memory up anew.
void reset_heap();

}  // namespace astrata::kernel::mem
