// System calls that native code which is hosted in the kernel makes as function calls, without a frame: those by which
// a personality's threads sleep and wake each other, change programs' memory and read files. Budget: 45 instructions
// beside the work (futex_rt_thread, pipe_rt_proc, mmap_munmap and pread_4k watch them).
#include <array>

#include "abi/kernel_calls.h"
#include "abi/system_call_numbers.h"
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/user_exit.h"

extern "C" void hosted_dispatch(astrata::kernel::arch::TrapFrame& frame);  // syscall.cc

namespace {

using namespace astrata;
using namespace astrata::kernel;

// Each machine has a place for every call, which its sdk/vdso/arch/<machine>/direct_calls.S knows.
static_assert(offsetof(arch::PerCpu, hosted_map_anonymous) != 0 && offsetof(arch::PerCpu, hosted_read) != 0);

struct Outcome {
    std::uint64_t status = 0;
    std::uint64_t value = 0;
};

// As any other call does it: what is recorded is recorded there.
[[gnu::cold, gnu::noinline]] Outcome call_with_frame(std::uint64_t number,
                                                     std::array<std::uint64_t, 4> const& arguments) {
    arch::TrapFrame frame{};
    frame.number() = number;
    for (std::size_t i = 0; i < arguments.size(); ++i)
        frame.argument(i) = arguments[i];
    hosted_dispatch(frame);
    return {frame.status(), frame.result(0)};
}

[[gnu::cold, gnu::noinline]] void settle() {
    arch::TrapFrame frame{};
    leave_to_hosted(frame);
}

[[gnu::always_inline]] inline std::uint64_t leave(Result<> const& result) {
    if (arch::needs_reschedule() || arch::current_thread().has_pending()) [[unlikely]]
        settle();
    return result ? 0 : static_cast<std::uint64_t>(result.error());
}

[[gnu::always_inline]] inline Outcome leave(Result<std::uint64_t> const& result) {
    return {leave(result ? ok() : Result<>(fail(result.error()))), result.value_or(0)};
}

// The call, unless calls are recorded.
template <typename Call>
[[gnu::always_inline]] inline Outcome run(std::uint64_t number, std::array<std::uint64_t, 4> const& arguments,
                                          Call call) {
    if (trace::is_on(abi::TraceGroups::system_calls)) [[unlikely]]
        return call_with_frame(number, arguments);
    auto& caller = arch::current_thread();
    ++caller.uncounted_system_calls;
    return call(caller);
}

// The same with the object that the first argument names.
template <typename T, typename Use>
[[gnu::always_inline]] inline Outcome run_with(std::uint64_t number, std::array<std::uint64_t, 4> const& arguments,
                                               abi::Rights rights, Use use) {
    return run(number, arguments, [&](Thread& caller) -> Outcome {
        auto object = lookup_handle<T>(caller, arguments[0], rights);
        if (!object) [[unlikely]]
            return {static_cast<std::uint64_t>(object.error())};
        return use(caller, *std::move(object));
    });
}

}  // namespace

extern "C" std::uint64_t hosted_thread_park(std::uint64_t deadline) {
    return run(ASTRATA_SYSTEM_CALL_THREAD_PARK, {deadline},
               [&](Thread& caller) -> Outcome { return {leave(caller.wait_for_permit({deadline}))}; })
        .status;
}

extern "C" std::uint64_t hosted_thread_unpark(abi::Handle handle) {
    return run(ASTRATA_SYSTEM_CALL_THREAD_UNPARK, {handle},
               [&](Thread& caller) -> Outcome {
                   return {leave(caller.process().handles().use(
                       handle, kind_of<Thread>, abi::Rights::manage,
                       [](KernelObject& thread) { static_cast<Thread&>(thread).permit(); }))};
               })
        .status;
}

extern "C" std::uint64_t hosted_map_anonymous(abi::Handle space, std::uint64_t address, std::uint64_t length,
                                              std::uint64_t access_and_flags, std::uint64_t* mapped) {
    auto const outcome = run_with<AddressSpace>(ASTRATA_SYSTEM_CALL_ADDRESS_SPACE_MAP_ANONYMOUS,
                                                {space, address, length, access_and_flags}, abi::Rights::write,
                                                [&](Thread& caller, Ref<AddressSpace> found) {
                                                    return leave(sys_address_space_map_anonymous(
                                                        caller, {std::move(found), address, length, access_and_flags}));
                                                });
    *mapped = outcome.value;
    return outcome.status;
}

extern "C" std::uint64_t hosted_unmap(abi::Handle space, std::uint64_t address, std::uint64_t length) {
    return run_with<AddressSpace>(ASTRATA_SYSTEM_CALL_ADDRESS_SPACE_UNMAP, {space, address, length}, abi::Rights::write,
                                  [&](Thread&, Ref<AddressSpace> const& found) -> Outcome {
                                      return {leave(found->unmap({address}, length))};
                                  })
        .status;
}

extern "C" std::uint64_t hosted_protect(abi::Handle space, std::uint64_t address, std::uint64_t length,
                                        std::uint64_t access) {
    return run_with<AddressSpace>(ASTRATA_SYSTEM_CALL_ADDRESS_SPACE_PROTECT, {space, address, length, access},
                                  abi::Rights::write,
                                  [&](Thread&, Ref<AddressSpace> const& found) -> Outcome {
                                      auto const wanted = static_cast<abi::Access>(access);
                                      return {leave(is_valid(wanted) ? found->protect({address}, length, wanted)
                                                                     : Result<>(fail(Error::invalid_argument)))};
                                  })
        .status;
}

extern "C" std::uint64_t hosted_read(abi::Handle object, std::uint64_t offset, std::uint64_t into, std::uint64_t length,
                                     std::uint64_t* done) {
    auto const outcome = run_with<MemoryObject>(
        ASTRATA_SYSTEM_CALL_MEMORY_OBJECT_READ, {object, offset, into, length}, abi::Rights::read,
        [&](Thread&, Ref<MemoryObject> const& found) { return leave(found->read(offset, {VirtAddr{into}, length})); });
    *done = outcome.value;
    return outcome.status;
}
