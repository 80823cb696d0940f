// Stack slots and the beginning and end of threads (lib/start/layout.h says where slots lie).
#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "lib/base/units.h"
#include "sdk/memory.h"
#include "sdk/own.h"
#include "sdk/sync.h"
#include "sdk/thread.h"
#include "sdk/thread_context.h"

namespace astrata::sdk {

namespace {

using start::stack_slot_bytes;

enum class SlotState : std::uint32_t {
    unmapped,
    used,
    vacant,  // mapped, its thread has left
};

constinit std::array<std::atomic<SlotState>, start::stack_slots> slots{};
constinit std::atomic<std::uint32_t> slots_ever_used = 1;  // slot 0 is the first thread's; never above stack_slots
constinit std::atomic<std::uint32_t> unmapped_slots = 0;   // of those: given up again, since they could not be mapped
constinit std::atomic<std::uint32_t> vacant_slots = 0;

std::uint64_t slot_address(std::uint32_t slot) {
    return own().stack_area + slot * stack_slot_bytes;
}

ThreadContext* context_of(std::uint32_t slot) {
    return reinterpret_cast<ThreadContext*>(slot_address(slot));
}

Result<> map_part(std::uint64_t address, std::uint64_t length) {
    constexpr auto flags = abi::MapFlags::fixed | abi::MapFlags::exclusive;
    TRY(sys::address_space_map_anonymous(own().home, address, length, access_and_flags(read_write, flags)));
    return {};
}

Result<> map_stack(std::uint64_t address, std::uint64_t length) {
    TRY(map_part(address, length));
    auto const part = committed_stack_bytes(address, length);
    if (auto const done = sys::address_space_commit(own().home, address + length - part, part); !done) {
        (void)sys::address_space_unmap(own().home, address, length);
        return done;
    }
    return {};
}

Result<std::uint32_t> take_vacant(std::uint64_t stack_bytes) {
    if (vacant_slots.load(std::memory_order_relaxed) != 0) {
        auto const end = slots_ever_used.load(std::memory_order_relaxed);
        for (std::uint32_t slot = 1; slot < end; ++slot) {
            auto expected = SlotState::vacant;
            if (slots[slot].load(std::memory_order_relaxed) != expected ||
                context_of(slot)->stack_bytes < stack_bytes ||
                !slots[slot].compare_exchange_strong(expected, SlotState::used, std::memory_order_acquire))
                continue;
            vacant_slots.fetch_sub(1, std::memory_order_relaxed);
            return slot;
        }
    }
    return fail(Error::not_found);
}

bool claim_unmapped(std::uint32_t slot) {
    auto expected = SlotState::unmapped;
    return slots[slot].compare_exchange_strong(expected, SlotState::used, std::memory_order_acquire);
}

// A slot that has no memory, the caller's now: one that was given up, or a new one.
Result<std::uint32_t> take_unmapped() {
    auto end = slots_ever_used.load(std::memory_order_relaxed);
    if (unmapped_slots.load(std::memory_order_relaxed) != 0) {
        for (std::uint32_t slot = 1; slot < end; ++slot) {
            if (claim_unmapped(slot)) {
                unmapped_slots.fetch_sub(1, std::memory_order_relaxed);
                return slot;
            }
        }
    }
    while (end < start::stack_slots) {
        // Whoever looks for a slot that was given up may see this one before it is claimed, and have it instead.
        if (slots_ever_used.compare_exchange_weak(end, end + 1, std::memory_order_relaxed)) {
            if (claim_unmapped(end))
                return end;
            unmapped_slots.fetch_add(1, std::memory_order_relaxed);
            end = slots_ever_used.load(std::memory_order_relaxed);
        }
    }
    return fail(Error::no_resources);
}

Result<> map_slot(std::uint32_t slot, std::uint64_t stack_bytes) {
    auto const address = slot_address(slot);
    TRY(map_part(address, page_size));
    auto const mapped = map_stack(address + stack_slot_bytes - stack_bytes, stack_bytes);
    if (!mapped)
        (void)sys::address_space_unmap(own().home, address, page_size);
    return mapped;
}

Result<std::uint32_t> take_slot(std::uint64_t stack_bytes) {
    if (auto const vacant = take_vacant(stack_bytes))
        return *vacant;
    auto const slot = TRY(take_unmapped());
    if (auto const mapped = map_slot(slot, stack_bytes); !mapped) {
        unmapped_slots.fetch_add(1, std::memory_order_relaxed);
        slots[slot].store(SlotState::unmapped, std::memory_order_release);
        return fail(mapped.error());
    }
    std::construct_at(context_of(slot));
    context_of(slot)->stack_slot = slot;
    context_of(slot)->stack_bytes = stack_bytes;
    return slot;
}

void vacate(std::uint32_t slot) {
    slots[slot].store(SlotState::vacant, std::memory_order_release);
    vacant_slots.fetch_add(1, std::memory_order_relaxed);
}

struct ThreadStart {
    Thread::Function function;
    void* argument;
};

}  // namespace

// What thread_start jumps to: `start` lies on the new thread's own stack.
extern "C" [[noreturn]] void astrata_thread_main(ThreadStart* start, std::uint64_t, abi::MessageBuffer* buffer) {
    auto& context = thread_context();
    context.message_buffer = buffer;
    auto const begin = *start;
    begin.function(begin.argument);
    flush_deferred_reply();
    if (context.parker != 0)
        (void)sys::handle_close(context.parker);
    if (context.thread != 0)
        (void)sys::handle_close(context.thread);
    context.parker = 0;
    context.thread = 0;
    context.message_buffer = nullptr;
    context.user = nullptr;
    vacant_slots.fetch_add(1, std::memory_order_relaxed);
    // From the store on, the slot may be given to a new thread, so Bedrock makes it when this one has left its stack.
    sys::thread_exit(reinterpret_cast<std::uint64_t>(&slots[context.stack_slot]),
                     static_cast<std::uint32_t>(SlotState::vacant));
}

// Where Bedrock enters (start.S).
extern "C" [[gnu::visibility("hidden")]] void astrata_thread_entry();

Result<Thread> Thread::spawn(Function function, void* argument, std::string_view name, std::uint64_t stack_bytes,
                             std::uint32_t priority) {
    if (stack_bytes == 0 || stack_bytes > stack_slot_bytes - 2 * page_size)
        return fail(Error::invalid_argument);
    auto const slot = TRY(take_slot(align_up(stack_bytes, page_size)));
    auto const created = sys::thread_create(own().process, as_bytes(name));
    if (!created) {
        vacate(slot);
        return fail(created.error());
    }
    UniqueHandle thread(*created);
    if (priority != standard_priority)
        (void)sys::thread_set_priority(thread.get(), priority, 0);
    // The context has a handle of its own, so that the Thread may be dropped.
    auto const own_handle =
        sys::handle_duplicate(thread.get(), abi::Rights::manage | abi::Rights::inspect | abi::Rights::duplicate, 0);
    auto* const context = context_of(slot);
    context->thread = own_handle ? *own_handle : 0;
    auto* const start =
        reinterpret_cast<ThreadStart*>(slot_address(slot) + stack_slot_bytes - align_up(sizeof(ThreadStart), 16));
    std::construct_at(start, ThreadStart{.function = function, .argument = argument});
    auto const started =
        own_handle
            ? sys::thread_start(thread.get(), reinterpret_cast<std::uint64_t>(&astrata_thread_entry),
                                reinterpret_cast<std::uint64_t>(start), reinterpret_cast<std::uint64_t>(start), 0, 0)
            : Result<>(fail(own_handle.error()));
    if (!started) {
        if (own_handle)
            (void)sys::handle_close(*own_handle);
        context->thread = 0;
        vacate(slot);
        return fail(started.error());
    }
    return Thread(std::move(thread));
}

}  // namespace astrata::sdk
