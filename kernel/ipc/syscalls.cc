// System calls on endpoints, notifications, wait sets, timers, interrupts, ports and logs.
#include "abi/kernel_calls.h"
#include "arch/cpu.h"
#include "arch/ports.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/ipc/notification.h"
#include "kernel/ipc/timer.h"
#include "kernel/ipc/wait_set.h"
#include "kernel/log/log_object.h"
#include "kernel/log/printable.h"
#include "kernel/object/dma_domain.h"
#include "kernel/object/io_region.h"
#include "kernel/object/lookup.h"
#include "kernel/object/make_object.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/user_copy/text.h"

namespace astrata::kernel {

namespace {

Account& account_of(Thread& caller) {
    return caller.process().silo().memory();
}

// The port that an access of `width` bytes at `offset` goes to.
Result<std::uint16_t> port_of(IoRegion const& region, std::uint64_t offset, std::uint32_t width) {
    if (region.region_kind != abi::IoRegionKind::port)
        return fail(Error::wrong_type);
    if (width != 1 && width != 2 && width != 4)
        return fail(Error::invalid_argument);
    return static_cast<std::uint16_t>(TRY(region.place(offset, width)));
}

}  // namespace

Result<abi::Handle> sys_endpoint_create(Thread& caller, EndpointCreateArgs const&) {
    return install_handle(caller, TRY(make_object<Endpoint>(account_of(caller))), all_rights);
}

Result<abi::Handle> sys_notification_create(Thread& caller, NotificationCreateArgs const&) {
    return install_handle(caller, TRY(make_object<Notification>(account_of(caller))), all_rights);
}

Result<> sys_notification_signal(Thread&, NotificationSignalArgs const& args) {
    if (auto* const woken = args.notification->signals.add(args.bits); woken != nullptr)
        sched::make_ready_or_run(*woken);
    return {};
}

Result<std::uint64_t> sys_object_wait(Thread&, ObjectWaitArgs const& args) {
    auto* waitable = waitable_of(*args.object);
    if (waitable == nullptr)
        return fail(Error::wrong_type);
    return waitable->wait(args.deadline);
}

Result<abi::Handle> sys_wait_set_create(Thread& caller, WaitSetCreateArgs const&) {
    return install_handle(caller, TRY(make_object<WaitSet>(account_of(caller))), all_rights);
}

Result<> sys_wait_set_add(Thread&, WaitSetAddArgs const& args) {
    return args.set->add(args.source, args.key);
}

Result<> sys_wait_set_remove(Thread& caller, WaitSetRemoveArgs const& args) {
    auto const source = TRY(caller.process().handles().find(args.source.value));
    return args.set->remove(*source.object);
}

Result<abi::Handle> sys_timer_create(Thread& caller, TimerCreateArgs const&) {
    return install_handle(caller, TRY(make_object<Timer>(account_of(caller))), all_rights);
}

Result<> sys_timer_set(Thread&, TimerSetArgs const& args) {
    args.timer->set(args.deadline, args.period_ns);
    return {};
}

Result<abi::Handle> sys_io_region_create(Thread& caller, IoRegionCreateArgs const& args) {
    if (args.length == 0)
        return fail(Error::invalid_argument);
    auto const start = TRY(args.region->place(args.offset, args.length));
    auto& table = caller.process().handles();
    auto const whole = TRY(table.find(args.region_value));
    return table.derive_part(args.region_value,
                             TRY(make_object<IoRegion>(account_of(caller), *args.region, start, args.length)),
                             whole.rights);
}

Result<std::uint64_t> sys_port_read(Thread&, PortReadArgs const& args) {
    auto const port = TRY(port_of(*args.region, args.offset, args.width));
    switch (args.width) {
    case 1: return arch::port_in<std::uint8_t>(port);
    case 2: return arch::port_in<std::uint16_t>(port);
    default: return arch::port_in<std::uint32_t>(port);
    }
}

Result<> sys_port_write(Thread&, PortWriteArgs const& args) {
    auto const port = TRY(port_of(*args.region, args.offset, args.width));
    switch (args.width) {
    case 1: arch::port_out(port, static_cast<std::uint8_t>(args.value)); break;
    case 2: arch::port_out(port, static_cast<std::uint16_t>(args.value)); break;
    default: arch::port_out(port, static_cast<std::uint32_t>(args.value)); break;
    }
    return {};
}

Result<> sys_port_write_bytes(Thread&, PortWriteBytesArgs const& args) {
    auto const port = TRY(port_of(*args.region, args.offset, 1));
    std::array<std::byte, 256> chunk;
    for (std::uint64_t done = 0; done < args.from.length;) {
        auto const count = std::min<std::uint64_t>(chunk.size(), args.from.length - done);
        auto const bytes = std::span(chunk).first(count);
        TRY(copy_in(bytes, UserBytesIn{args.from.address + done, count}));
        for (auto const byte : bytes)
            arch::port_out(port, static_cast<std::uint8_t>(byte));
        done += count;
    }
    return {};
}

Result<abi::Handle> sys_interrupt_create(Thread& caller, InterruptCreateArgs const& args) {
    if (args.region->region_kind != abi::IoRegionKind::interrupt)
        return fail(Error::wrong_type);
    auto const line = TRY(args.region->place(args.line, 1));
    return install_handle(
        caller, TRY(Interrupt::create_line(account_of(caller), static_cast<std::uint32_t>(line), args.trigger)),
        all_rights);
}

Result<InterruptCreateMsiResult> sys_interrupt_create_msi(Thread& caller, InterruptCreateMsiArgs const& args) {
    if (args.region->region_kind != abi::IoRegionKind::interrupt)
        return fail(Error::wrong_type);
    auto interrupt = TRY(Interrupt::create_message(account_of(caller)));
    auto const address = interrupt->message_address();
    auto const data = interrupt->message_data();
    return InterruptCreateMsiResult{
        .interrupt = TRY(install_handle(caller, std::move(interrupt), all_rights)), .address = address, .data = data};
}

Result<> sys_interrupt_acknowledge(Thread&, InterruptAcknowledgeArgs const& args) {
    args.interrupt->acknowledge();
    return {};
}

Result<abi::Handle> sys_dma_domain_create(Thread& caller, DmaDomainCreateArgs const&) {
    return install_handle(caller, TRY(make_object<DmaDomain>(account_of(caller))), all_rights);
}

Result<abi::Handle> sys_log_create(Thread& caller, LogCreateArgs const& args) {
    return install_handle(caller, TRY(Log::create(account_of(caller), args.capacity)), all_rights);
}

Result<> sys_log_write(Thread&, LogWriteArgs const& args) {
    auto line = TRY(LogLineText::copy_from(args.line));
    make_printable(line.characters());
    args.log->append_line(line.view());
    return {};
}

Result<LogReadResult> sys_log_read(Thread&, LogReadArgs const& args) {
    std::array<char, 512> chunk;
    auto position = args.position;
    std::uint64_t total = 0;
    while (total < args.into.length) {
        auto const room = std::min<std::uint64_t>(chunk.size(), args.into.length - total);
        auto const [next, count] = args.log->read(position, std::span(chunk).first(room));
        if (count == 0)
            break;
        TRY(copy_out(args.into.part(total, count), std::as_bytes(std::span(chunk).first(count))));
        position = next;
        total += count;
    }
    return LogReadResult{.next = position, .count = total};
}

Result<> sys_null_call(Thread&, NullCallArgs const&) {
    return {};
}

}  // namespace astrata::kernel
