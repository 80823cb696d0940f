// System calls on handles, silos and processes.
#include "abi/kernel_calls.h"
#include "kernel/mem/address_space.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/thread_registry.h"
#include "kernel/time/clock.h"
#include "kernel/user_copy/text.h"

namespace astrata::kernel {

Result<> sys_handle_close(Thread& caller, HandleCloseArgs const& args) {
    return caller.process().handles().close(args.handle.value);
}

Result<abi::Handle> sys_handle_duplicate(Thread& caller, HandleDuplicateArgs const& args) {
    auto& table = caller.process().handles();
    auto const parent = TRY(table.find(args.handle_value));
    if ((args.rights & parent.rights) != args.rights)
        return fail(Error::access_denied);
    if (args.badge != 0 && (parent.badge != 0 || parent.object->kind() != abi::ObjectKind::endpoint))
        return fail(Error::invalid_argument);
    return table.derive(args.handle_value, args.rights, args.badge != 0 ? args.badge : parent.badge);
}

Result<std::uint64_t> sys_handle_revoke(Thread& caller, HandleRevokeArgs const& args) {
    return caller.process().handles().revoke(args.handle.value);
}

Result<> sys_handle_info(Thread& caller, HandleInfoArgs const& args) {
    auto const found = TRY(caller.process().handles().find(args.handle.value));
    return args.info.write({.kind = found.object->kind(), .rights = found.rights, .badge = found.badge, .object_id = found.object->id()});
}

Result<std::uint64_t> sys_handle_transfer(Thread& caller, HandleTransferArgs const& args) {
    if (args.process->has_ended())
        return fail(Error::bad_state);
    return caller.process().handles().move(args.handle.value, args.process->handles());
}

Result<abi::Handle> sys_silo_create(Thread& caller, SiloCreateArgs const& args) {
    auto silo = TRY(Silo::create(args.parent.get(), args.memory_limit, args.process_limit, args.thread_limit));
    return install_handle(caller, std::move(silo), all_rights);
}

Result<> sys_silo_set_limits(Thread&, SiloSetLimitsArgs const& args) {
    if (args.memory_limit != 0)
        args.silo->memory().set_limit(args.memory_limit);
    if (args.process_limit != 0)
        args.silo->processes.limit = args.process_limit;
    if (args.thread_limit != 0)
        args.silo->threads.limit = args.thread_limit;
    return {};
}

Result<> sys_silo_info(Thread&, SiloInfoArgs const& args) {
    auto& silo = *args.silo;
    return args.info.write({
        .id = silo.id(),
        .memory_used = silo.memory().used(),
        .memory_limit = silo.memory().limit() == Account::unlimited ? 0 : silo.memory().limit(),
        .memory_peak = silo.memory().peak(),
        .processes = silo.processes.used.load(std::memory_order_relaxed),
        .threads = silo.threads.used.load(std::memory_order_relaxed),
        .process_limit = silo.processes.limit.load(std::memory_order_relaxed),
        .thread_limit = silo.threads.limit.load(std::memory_order_relaxed),
        .cpu_time_ns = clock::ns_from_ticks(silo.run_ticks.load(std::memory_order_relaxed)),
        .page_faults = silo.page_faults.load(std::memory_order_relaxed),
        .system_calls = silo.system_calls.load(std::memory_order_relaxed),
        .cpu_quota_us = silo.cpu.quota_us,
        .cpu_period_us = silo.cpu.period_us,
        .cpu_weight = silo.cpu.weight.weight(),
        .highest_priority = silo.highest_priority(),
        .cpu_pauses = silo.cpu.times_exhausted,
        .cpu_paused_ns = clock::ns_from_ticks(silo.cpu.exhausted_ticks),
    });
}

Result<> sys_silo_set_cpu_limits(Thread& caller, SiloSetCpuLimitsArgs const& args) {
    if (args.highest_priority > priority::highest)
        return fail(Error::out_of_range);
    if (args.highest_priority >= priority::first_real_time && !caller.process().silo().is_root())
        return fail(Error::access_denied);
    TRY(cpu_limits::set(*args.silo, {.quota_us = args.quota_us, .period_us = args.period_us, .weight = args.weight}));
    if (args.highest_priority != 0)
        args.silo->set_highest_priority(static_cast<std::uint8_t>(args.highest_priority));
    return {};
}

Result<> sys_silo_kill(Thread&, SiloKillArgs const& args) {
    args.silo->kill();
    return {};
}

Result<ProcessCreateResult> sys_process_create(Thread& caller, ProcessCreateArgs const& args) {
    auto const name = TRY(NameText::copy_from(args.name));
    if (args.isolation == abi::IsolationMode::wasm)
        return fail(Error::not_supported);
    // Whoever may put code into the kernel has all its power: that is for the root silo alone.
    if (args.isolation == abi::IsolationMode::kernel && !caller.process().silo().is_root())
        return fail(Error::access_denied);
    auto process = TRY(Process::create(args.silo, name.view(), args.isolation));
    auto const vdso = process->vdso().value;
    auto home = TRY(install_handle(caller, Ref<KernelObject>(Ref<AddressSpace>::share(process->home())), all_rights));
    auto handle = install_handle(caller, std::move(process), all_rights);
    if (!handle) {
        (void)caller.process().handles().close(home);
        return fail(handle.error());
    }
    return ProcessCreateResult{.process = *handle, .home = home, .vdso = vdso};
}

Result<> sys_process_exit(Thread& caller, ProcessExitArgs const& args) {
    caller.process().exit(args.code);
    return {};
}

Result<> sys_process_kill(Thread&, ProcessKillArgs const& args) {
    args.process->kill();
    return {};
}

Result<> sys_process_info(Thread&, ProcessInfoArgs const& args) {
    abi::ProcessInfo info;
    args.process->fill(info);
    return args.info.write(info);
}

Result<> sys_process_set_fault_recovery(Thread& caller, ProcessSetFaultRecoveryArgs const& args) {
    auto const& home = caller.process().home();
    if (args.start > args.end || !home.contains({args.start}, args.end - args.start) || !home.contains({args.recovery}, 0))
        return fail(Error::invalid_argument);
    caller.process().set_fault_recovery({.start = args.start, .end = args.end, .recovery = args.recovery});
    return {};
}

}  // namespace astrata::kernel
