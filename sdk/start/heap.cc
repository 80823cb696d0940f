// operator new and delete over Bedrock's anonymous memory.
#include "sdk/heap.h"

#include "abi/system_calls.h"
#include "sdk/heap_core.h"
#include "sdk/log.h"
#include "sdk/memory.h"
#include "sdk/own.h"
#include "sdk/sync.h"

namespace astrata::sdk {

namespace {

class AnonymousMemory final : public PageSource {
public:
    std::uintptr_t map(std::size_t bytes) override {
        // Mapped with room to align it, then trimmed.
        auto const slack = HeapCore::span_bytes;
        if (bytes > ~std::size_t{0} - slack)
            return 0;
        auto const mapped =
            sys::address_space_map_anonymous(own().home, 0, bytes + slack, access_and_flags(read_write));
        if (!mapped)
            return 0;
        auto const begin = align_up(*mapped, HeapCore::span_bytes);
        if (begin != *mapped)
            unmap(*mapped, begin - *mapped);
        if (auto const rest = *mapped + slack - begin; rest != 0)
            unmap(begin + bytes, rest);
        return begin;
    }
    void unmap(std::uintptr_t address, std::size_t bytes) override {
        (void)sys::address_space_unmap(own().home, address, bytes);
    }
    bool commit(std::uintptr_t address, std::size_t bytes) override {
        return sys::address_space_commit(own().home, address, bytes).has_value();
    }
    void discard(std::uintptr_t address, std::size_t bytes) override {
        (void)sys::address_space_discard(own().home, address, bytes);
    }
};

constinit AnonymousMemory memory;
constinit Mutex mutex;
constinit HeapCore heap GUARDED_BY(mutex){memory};

void* allocate(std::size_t bytes, std::size_t alignment, Need need = Need::can_fail) {
    MutexLock lock(mutex);
    return heap.allocate(bytes, alignment, need);
}

void* allocate_or_die(std::size_t bytes, std::size_t alignment) {
    void* const allocated = allocate(bytes, alignment, Need::must_have);
    if (allocated == nullptr) [[unlikely]] {
        log("out of memory for ", bytes, " bytes");
        sys::process_exit(12);
    }
    return allocated;
}

void release(void* allocated) {
    MutexLock lock(mutex);
    heap.release(allocated);
}

}  // namespace

HeapStatistics heap_statistics() {
    MutexLock lock(mutex);
    return {.allocated_bytes = heap.allocated_bytes(), .mapped_bytes = heap.mapped_bytes()};
}

}  // namespace astrata::sdk

namespace std {
nothrow_t const nothrow{};
}

constexpr std::size_t default_alignment = 16;

void* operator new(std::size_t bytes) {
    return astrata::sdk::allocate_or_die(bytes, default_alignment);
}
void* operator new[](std::size_t bytes) {
    return astrata::sdk::allocate_or_die(bytes, default_alignment);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return astrata::sdk::allocate_or_die(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return astrata::sdk::allocate_or_die(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::nothrow_t const&) noexcept {
    return astrata::sdk::allocate(bytes, default_alignment);
}
void* operator new[](std::size_t bytes, std::nothrow_t const&) noexcept {
    return astrata::sdk::allocate(bytes, default_alignment);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, std::nothrow_t const&) noexcept {
    return astrata::sdk::allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, std::nothrow_t const&) noexcept {
    return astrata::sdk::allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    astrata::sdk::release(memory);
}
void operator delete[](void* memory) noexcept {
    astrata::sdk::release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    astrata::sdk::release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    astrata::sdk::release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    astrata::sdk::release(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    astrata::sdk::release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    astrata::sdk::release(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    astrata::sdk::release(memory);
}
void operator delete(void* memory, std::nothrow_t const&) noexcept {
    astrata::sdk::release(memory);
}
void operator delete[](void* memory, std::nothrow_t const&) noexcept {
    astrata::sdk::release(memory);
}
