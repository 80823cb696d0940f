#include "strates/linux/core/guest_memory.h"

#include "abi/system_calls.h"
#include "sdk/foreign_memory.h"
#include "sdk/own.h"
#include "strates/linux/core/task.h"

extern "C" {  // arch/*/guest_copy.S
// Bytes that were not written, and where they begin if there are any.
struct CopyOutcome {
    std::size_t missing;
    std::uint64_t address;
};
CopyOutcome guest_copy(void* to, void const* from, std::size_t count);
CopyOutcome guest_zero(void* to, std::size_t count);
std::size_t guest_copy_string(void* to, void const* from, std::size_t limit);
std::uint32_t guest_load_word(void const* address, std::uint32_t* word);
std::uint32_t guest_compare_exchange_word(void* address, std::uint32_t expected, std::uint32_t desired,
                                          std::uint32_t* was);
extern astrata::CopyMethod guest_copy_method;  // of long copies
extern std::byte const guest_code_begin;
extern std::byte const guest_code_end;
extern std::byte const guest_code_recovery;
}

namespace astrata::linux_abi {
namespace {

// The routines above, with permission.
template <typename Routine, typename... Arguments>
auto reach(Routine routine, Arguments... arguments) {
    sdk::ForeignMemoryAccess const access;
    return routine(arguments...);
}

// Only ever handed to the routines above, which survive whatever it points to.
void* raw(GuestAddress address) {
    return reinterpret_cast<void*>(address.value);
}

// Whether it is for want of memory that the program's could not be reached is looked into when the system call is over
// and holds nothing.
[[gnu::noinline, gnu::cold]] void note_failure(std::uint64_t address, bool is_write) {
    if (auto* const task = current_task_or_null(); task != nullptr) {
        task->failed_copy_address = address;
        task->failed_copy_was_write = is_write;
        task->work.fetch_or(task_work::failed_copy, std::memory_order_relaxed);
    }
}

// For routines that write to the program's memory: how many bytes are missing.
template <typename Routine, typename... Arguments>
std::size_t write(Routine routine, Arguments... arguments) {
    auto const outcome = reach(routine, arguments...);
    if (outcome.missing != 0) [[unlikely]]
        note_failure(outcome.address, true);
    return outcome.missing;
}

// How many bytes could not be read.
std::size_t read(MutableBytes into, GuestAddress from) {
    auto const missing = reach(guest_copy, into.data(), raw(from), into.size()).missing;
    if (missing != 0) [[unlikely]]
        note_failure(from.value + (into.size() - missing), false);
    return missing;
}

// How much of [address, address + length) lies in the guest's half.
std::size_t clamp(GuestAddress address, std::size_t length) {
    if (address.value < guest_minimum || address.value >= guest_limit)
        return 0;
    auto room = guest_limit - address.value;
    return length < room ? length : room;
}

}  // namespace

LinuxResult<> copy_from_guest(MutableBytes into, GuestAddress from) {
    if (!is_guest_range(from, into.size()))
        return into.empty() ? LinuxResult<>() : fail(Errno::efault);
    if (read(into, from) != 0) [[unlikely]]
        return fail(Errno::efault);
    return {};
}

LinuxResult<> copy_to_guest(GuestAddress to, Bytes from) {
    if (!is_guest_range(to, from.size()))
        return from.empty() ? LinuxResult<>() : fail(Errno::efault);
    if (write(guest_copy, raw(to), from.data(), from.size()) != 0) [[unlikely]]
        return fail(Errno::efault);
    return {};
}

std::size_t copy_some_from_guest(MutableBytes into, GuestAddress from) {
    auto length = clamp(from, into.size());
    return length - read(into.first(length), from);
}

std::size_t copy_some_to_guest(GuestAddress to, Bytes from) {
    auto length = clamp(to, from.size());
    return length - write(guest_copy, raw(to), from.data(), length);
}

LinuxResult<> zero_guest(GuestAddress to, std::uint64_t length) {
    if (!is_guest_range(to, length))
        return length == 0 ? LinuxResult<>() : fail(Errno::efault);
    if (write(guest_zero, raw(to), length) != 0)
        return fail(Errno::efault);
    return {};
}

LinuxResult<MutableBytes> guest_span(GuestAddress address, std::size_t length) {
    if (!is_guest_range(address, length))
        return fail(Errno::efault);
#pragma clang unsafe_buffer_usage begin  // the range is the program's; only system calls that check it see the span
    return MutableBytes(static_cast<std::byte*>(raw(address)), length);
#pragma clang unsafe_buffer_usage end
}

void note_unreachable(GuestAddress address, std::uint64_t length, bool is_write) {
    constexpr std::uint64_t page = 4096;
    auto at = address;
    // The first page that cannot be read; one that can be read but not written is as good a guess as any.
    for (std::byte one{}; at.value - address.value < length; at = {(at.value | (page - 1)) + 1}) {
        if (!is_guest_range(at, 1) || reach(guest_copy, &one, raw(at), 1).missing != 0)
            break;
    }
    note_failure(at.value - address.value < length ? at.value : address.value, is_write);
}

LinuxResult<std::size_t> copy_string_from_guest(std::span<char> into, GuestAddress from) {
    auto limit = clamp(from, into.size());
    if (limit == 0 && !into.empty())
        return fail(Errno::efault);
    auto length = reach(guest_copy_string, into.data(), raw(from), limit);
    if (length == ~std::size_t{0}) {
        note_unreachable(from, limit, false);
        return fail(Errno::efault);
    }
    if (length == limit)
        return fail(limit == into.size() ? Errno::enametoolong : Errno::efault);
    return length;
}

LinuxResult<std::uint32_t> load_guest_word(GuestAddress address) {
    if (address.value % 4 != 0)
        return fail(Errno::einval);
    std::uint32_t word = 0;
    if (!is_guest_range(address, 4) || reach(guest_load_word, raw(address), &word) != 0) {
        note_failure(address.value, false);
        return fail(Errno::efault);
    }
    return word;
}

LinuxResult<std::uint32_t> compare_exchange_guest_word(GuestAddress address, std::uint32_t expected,
                                                       std::uint32_t desired) {
    if (address.value % 4 != 0)
        return fail(Errno::einval);
    std::uint32_t was = 0;
    if (!is_guest_range(address, 4) || reach(guest_compare_exchange_word, raw(address), expected, desired, &was) != 0) {
        note_failure(address.value, true);
        return fail(Errno::efault);
    }
    return was;
}

Result<> register_guest_copy_routines() {
    guest_copy_method = sdk::machine().copy_method;
    auto address = [](std::byte const& label) { return reinterpret_cast<std::uint64_t>(&label); };
    return sys::process_set_fault_recovery(address(guest_code_begin), address(guest_code_end),
                                           address(guest_code_recovery));
}

}  // namespace astrata::linux_abi
