// System calls on threads and restricted mode.
#include <algorithm>

#include "abi/kernel_calls.h"
#include "arch/direct_map.h"
#include "kernel/boot/vdso.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/thread_registry.h"
#include "kernel/time/clock.h"
#include "kernel/user_copy/text.h"

namespace astrata::kernel {

namespace {

// The caller's own guest space named by a handle; nothing for handle 0.
Result<RefOrNull<AddressSpace>> guest_space(Thread& caller, Process& process, abi::Handle handle) {
    if (handle == 0)
        return RefOrNull<AddressSpace>();
    auto space = TRY(lookup_handle<AddressSpace>(caller, handle, abi::Rights::write));
    if (!space->is_guest() || !space->belongs_to(process.home()))
        return fail(Error::bad_state);
    return RefOrNull<AddressSpace>(std::move(space));
}

void fill(abi::ThreadInfo& info, Thread& thread) {
    info = {};
    info.id = thread.id();
    info.process_id = thread.is_user() ? thread.process().id() : 0;
    info.cpu = thread.cpu.load(std::memory_order_relaxed);
    info.priority = thread.base_priority;
    info.is_running = thread.is_on_cpu.load(std::memory_order_relaxed) ? 1 : 0;
    info.is_blocked = thread.is_waiting() ? 1 : 0;
    info.cpu_time_ns = clock::ns_from_ticks(thread.used_ticks());
    info.switches = thread.switches.load(std::memory_order_relaxed);
    info.name = abi::Text<32>::from(thread.name());
}

}  // namespace

Result<abi::Handle> sys_thread_create(Thread& caller, ThreadCreateArgs const& args) {
    auto const name = TRY(NameText::copy_from(args.name));
    auto thread = TRY(Thread::create(*args.process, name.view()));
    auto handle = install_handle(caller, thread, all_rights);
    if (!handle)
        thread->handles_gone();
    return handle;
}

Result<> sys_thread_start(Thread& caller, ThreadStartArgs const& args) {
    auto const& home = args.thread->process().home();
    if (!home.contains({args.entry}, 1) || !home.contains({args.stack}, 0))
        return fail(Error::bad_address);
    auto space = TRY(guest_space(caller, args.thread->process(), args.space));
    return args.thread->start(args.entry, args.stack, args.argument0, args.argument1, std::move(space));
}

Result<> sys_thread_exit(Thread& caller, ThreadExitArgs const& args) {
    caller.farewell = {.address = {args.address}, .value = args.value};
    // Taken on the way back to user mode, where nothing is held any more.
    caller.kill();
    return {};
}

Result<> sys_thread_kick(Thread&, ThreadKickArgs const& args) {
    args.thread->kick();
    return {};
}

Result<> sys_thread_kick_program(Thread&, ThreadKickProgramArgs const& args) {
    args.thread->kick_program();
    return {};
}

Result<> sys_thread_park(Thread& caller, ThreadParkArgs const& args) {
    return caller.wait_for_permit(args.deadline);
}

Result<> sys_thread_unpark(Thread&, ThreadUnparkArgs const& args) {
    args.thread->permit();
    return {};
}

Result<> sys_thread_yield(Thread&, ThreadYieldArgs const&) {
    sched::yield();
    return {};
}

Result<> sys_thread_set_priority(Thread& caller, ThreadSetPriorityArgs const& args) {
    if (args.priority > priority::highest)
        return fail(Error::out_of_range);
    // No silo may starve the others, so the machine's owner is asked, or was when the silo's limit was set.
    if (args.root != 0 && !TRY(lookup_handle<Silo>(caller, args.root, abi::Rights::manage))->is_root())
        return fail(Error::access_denied);
    auto const& silo = args.thread->process().silo();
    std::uint32_t const highest = silo.is_root() ? priority::first_real_time - 1 : silo.highest_priority();
    if (args.priority >= priority::first_real_time && args.root == 0 && args.priority > highest)
        return fail(Error::access_denied);
    sched::set_priority(*args.thread, static_cast<std::uint8_t>(args.priority));
    return {};
}

Result<> sys_thread_set_policy(Thread&, ThreadSetPolicyArgs const& args) {
    args.thread->is_fifo = args.policy == abi::SchedulingPolicy::fifo;
    return {};
}

Result<> sys_thread_set_affinity(Thread&, ThreadSetAffinityArgs const& args) {
    if ((args.cpu_mask & sched::online_mask()) == 0)
        return fail(Error::invalid_argument);
    sched::set_affinity(*args.thread, args.cpu_mask);
    return {};
}

Result<> sys_thread_info(Thread&, ThreadInfoArgs const& args) {
    abi::ThreadInfo info;
    fill(info, *args.thread);
    return args.info.write(info);
}

Result<> sys_thread_sleep(Thread& caller, ThreadSleepArgs const& args) {
    caller.prepare_to_wait();
    auto const status = caller.block(args.deadline);
    if (status == static_cast<std::uint32_t>(Error::timed_out))
        return {};
    return fail(static_cast<Error>(status));
}

Result<> sys_thread_set_space(Thread& caller, ThreadSetSpaceArgs const& args) {
    auto space = TRY(guest_space(caller, caller.process(), args.space));
    // The old space must not go away while its tables are still loaded.
    auto const former = caller.set_guest_space(std::move(space));
    // Who asks for none wants its memory to be free, not kept because there is no other to load; but where other
    // threads run in it, beside this reference and its handle's, one of them is likely to be next.
    if (caller.native_space() == nullptr && (!former || former->reference_count() <= 2)) {
        arch::leave_space();
        return {};
    }
    auto const state = arch::disable_interrupts();
    arch::activate_space(caller);
    arch::restore_interrupts(state);
    return {};
}

Result<> sys_thread_bind_restricted_state(Thread& caller, ThreadBindRestrictedStateArgs const& args) {
    if ((args.address & (page_size - 1)) != 0)
        return fail(Error::invalid_argument);
    if (!arch::allocate_vector_area(caller))
        return fail(Error::no_memory);
    caller.restricted_page = TRY(caller.process().home().pin({args.address}));
    caller.restricted_state = static_cast<arch::RestrictedState*>(caller.restricted_page.address());
    return {};
}

Result<abi::RestrictedExit> sys_restricted_enter(Thread& caller, RestrictedEnterArgs const&) {
    if (caller.restricted_state == nullptr || !caller.guest_space)
        return fail(Error::bad_state);
    if (caller.is_kick_pending()) {
        caller.take_kick();
        return abi::RestrictedExit::kick;
    }
    if (first_user_ticks() == 0) [[unlikely]]
        note_first_user_instruction();
    // The entry code checks the state as it loads it.
    auto const& space = *caller.guest_space;
    return arch::run_restricted(caller, space.restricted_root().value, space.native_root().value);
}

Result<> sys_restricted_run(Thread& caller, RestrictedRunArgs const& args) {
    if (!caller.process().is_hosted())
        return fail(Error::not_supported);
    if (caller.restricted_state == nullptr || !caller.guest_space)
        return fail(Error::bad_state);
    if (!caller.process().home().contains({args.handler}, 1))
        return fail(Error::bad_address);
    if (first_user_ticks() == 0) [[unlikely]]
        note_first_user_instruction();
    arch::run_restricted_loop(caller, args.handler, args.argument);
    return {};
}

Result<> sys_restricted_load_bases(Thread& caller, RestrictedLoadBasesArgs const&) {
    if (caller.restricted_state == nullptr)
        return fail(Error::bad_state);
    return arch::load_segment_bases(*caller.restricted_state);
}

Result<> sys_restricted_save_bases(Thread& caller, RestrictedSaveBasesArgs const&) {
    if (caller.restricted_state == nullptr)
        return fail(Error::bad_state);
    arch::save_segment_bases(*caller.restricted_state);
    return {};
}

Result<std::uint64_t> sys_restricted_save_vector_state(Thread& caller, RestrictedSaveVectorStateArgs const& args) {
    auto const size = arch::vector_state_size();
    if (args.into.length == 0)
        return size;
    if (args.into.length < size)
        return fail(Error::out_of_range);
    if (caller.arch.vector_area.empty())
        return fail(Error::bad_state);
    // The area in memory is what the switch code keeps; bring it up to date, then copy from there.
    arch::save_vector_state(caller, {});
    TRY(copy_out(args.into, caller.arch.vector_area));
    return size;
}

Result<> sys_restricted_load_vector_state(Thread& caller, RestrictedLoadVectorStateArgs const& args) {
    if (caller.arch.vector_area.empty())
        return fail(Error::bad_state);
    auto const staging = caller.arch.vector_staging;
    auto const size = std::min<std::size_t>(args.from.length, staging.size());
    auto const bytes = staging.first(size);
    TRY(copy_in(bytes, UserBytesIn{args.from.address, size}));
    arch::load_vector_state(caller, bytes);
    return {};
}

Result<std::uint64_t> sys_process_list(Thread&, ProcessListArgs const& args) {
    if (!args.root->is_root())
        return fail(Error::access_denied);
    std::uint64_t written = 0;
    auto position = args.after;
    while ((written + 1) * sizeof(abi::ProcessInfo) <= args.into.length) {
        auto process = next_process(position);
        if (!process)
            break;
        abi::ProcessInfo info;
        process->fill(info);
        TRY(copy_out(args.into.part(written * sizeof(info), sizeof(info)), std::as_bytes(std::span(&info, 1))));
        position = info.id;
        ++written;
    }
    return written;
}

Result<std::uint64_t> sys_thread_list(Thread&, ThreadListArgs const& args) {
    if (!args.root->is_root())
        return fail(Error::access_denied);
    std::uint64_t written = 0;
    auto position = args.after;
    while ((written + 1) * sizeof(abi::ThreadInfo) <= args.into.length) {
        auto thread = next_thread(position);
        if (!thread)
            break;
        abi::ThreadInfo info;
        fill(info, *thread);
        TRY(copy_out(args.into.part(written * sizeof(info), sizeof(info)), std::as_bytes(std::span(&info, 1))));
        position = info.id;
        ++written;
    }
    return written;
}

}  // namespace astrata::kernel
