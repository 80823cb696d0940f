// System calls about the machine as a whole; only the root silo's handle opens them.
#include <atomic>

#include "abi/kernel_calls.h"
#include "arch/cpu.h"
#include "arch/platform.h"
#include "arch/processor_info.h"
#include "arch/smp.h"
#include "kernel/boot/main.h"
#include "kernel/boot/vdso.h"
#include "kernel/log/print.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/audit.h"
#include "kernel/mem/frames.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/random/random.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/user_copy/user_span.h"

namespace astrata::kernel {

namespace {

Result<> require_root(Silo const& silo) {
    return silo.is_root() ? ok() : fail(Error::access_denied);
}

// With the time since the CPU went idle, if it is: nobody counts that before it ends.
std::uint64_t idle_ticks(arch::PerCpu const& cpu) {
    auto const counted = cpu.idle_ticks;
    if (cpu.idle_thread == nullptr || cpu.current != cpu.idle_thread)
        return counted;
    auto const since = cpu.idle_thread->switched_in_ticks;
    auto const now = arch::timestamp();
    return now > since ? counted + (now - since) : counted;
}

}  // namespace

Result<> sys_machine_info(Thread&, MachineInfoArgs const& args) {
    TRY(require_root(*args.root));
    auto const frames = mem::count_frames();
    auto pages = [&frames](mem::FrameKind kind) { return frames.by_kind[static_cast<std::size_t>(kind)] * page_size; };
    abi::MachineInfo info{};
    info.memory_total = frames.total * page_size;
    info.memory_free = frames.free * page_size;
    info.memory_kernel = pages(mem::FrameKind::kernel) + pages(mem::FrameKind::slab);
    info.memory_page_tables = pages(mem::FrameKind::page_table);
    // Memory for DMA is its drivers'.
    info.memory_user = pages(mem::FrameKind::user) + pages(mem::FrameKind::contiguous);
    info.memory_boot = frames.boot * page_size;
    info.memory_large = AddressSpace::large_page_count() * huge_page_size;
    info.nodes = static_cast<std::uint32_t>(mem::nodes().count());
    info.cpus = arch::cpu_count();
    for (std::uint32_t i = 0; i < info.cpus; ++i) {
        auto const& cpu = arch::cpu(i);
        info.cpus_online += cpu.is_online ? 1 : 0;
        info.context_switches += cpu.switches;
        info.interrupts += cpu.interrupts;
        info.system_calls += cpu.system_calls;
        info.page_faults += cpu.page_faults;
        info.ipc_calls += cpu.ipc_calls;
    }
    info.uptime_ns = clock::now().value;
    info.tsc_frequency_hz = clock::counter_frequency_hz();
    info.boot_to_user_ticks = first_user_ticks();
    info.acpi_rsdp = arch::acpi_root().value;
    info.devicetree = boot_info().devicetree_start.value;
    info.devicetree_length = boot_info().devicetree_length;
    info.command_line = abi::Text<512>::from(boot_info().command_line());
    return args.info.write(info);
}

Result<> sys_cpu_info(Thread&, CpuInfoArgs const& args) {
    TRY(require_root(*args.root));
    if (args.index >= arch::cpu_count())
        return fail(Error::out_of_range);
    auto const& cpu = arch::cpu(args.index);
    abi::CpuInfo info{};
    // All CPUs of the machines we run on are alike; the one that executes this speaks for the others.
    arch::identify_processor(info);
    info.id = cpu.index;
    info.hardware_id = cpu.hardware_id;
    info.is_online = cpu.is_online ? 1 : 0;
    info.node = mem::node_of_cpu(args.index);
    info.idle_ns = clock::ns_from_ticks(idle_ticks(cpu));
    auto const uptime = clock::now().value;
    info.busy_ns = uptime > info.idle_ns ? uptime - info.idle_ns : 0;
    info.switches = cpu.switches;
    info.interrupts = cpu.interrupts;
    info.timer_interrupts = cpu.timer_interrupts;
    info.system_calls = cpu.system_calls;
    info.page_faults = cpu.page_faults;
    info.ipc_calls = cpu.ipc_calls;
    info.tlb_shootdowns = cpu.tlb_shootdowns;
    return args.info.write(info);
}

Result<> sys_node_info(Thread&, NodeInfoArgs const& args) {
    auto const& map = mem::nodes();
    if (args.index >= map.count())
        return fail(Error::out_of_range);
    auto const counts = mem::count_node(args.index);
    abi::NodeInfo info{.memory_total = counts.total * page_size, .memory_free = counts.free * page_size};
    if (args.silo->is_root()) {
        info.local_allocations = counts.local;
        info.remote_allocations = counts.remote;
    } else {
        info.memory_free = align_down(info.memory_free, 1 << 20);
    }
    for (std::uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu) {
        if (mem::node_of_cpu(cpu) == args.index)
            info.cpus |= std::uint64_t{1} << cpu;
    }
    info.cpus_online = info.cpus & sched::online_mask();
    for (std::size_t to = 0; to < map.count(); ++to)
        (to < 8 ? info.distances : info.more_distances) |= std::uint64_t{map.distance(args.index, to)} << to % 8 * 8;
    return args.info.write(info);
}

Result<> sys_memory_audit(Thread&, MemoryAuditArgs const& args) {
    TRY(require_root(*args.root));
    return args.audit.write(mem::audit_all_memory().found());
}

Result<> sys_cpu_set_online(Thread&, CpuSetOnlineArgs const& args) {
    TRY(require_root(*args.root));
    return sched::set_online(args.index, args.is_online != 0);
}

Result<> sys_machine_reset(Thread&, MachineResetArgs const& args) {
    TRY(require_root(*args.root));
    arch::stop_other_cpus();
    arch::reset_machine();
}

Result<> sys_machine_power_off(Thread&, MachinePowerOffArgs const& args) {
    TRY(require_root(*args.root));
    return arch::power_off_machine();
}

Result<> sys_clock_set_wall(Thread&, ClockSetWallArgs const& args) {
    TRY(require_root(*args.root));
    set_wall_offset(args.offset_ns);
    return {};
}

Result<> sys_random_add(Thread& caller, RandomAddArgs const& args) {
    TRY(require_root(*args.root));
    std::array<std::byte, 256> storage;
    if (args.seed.length == 0 || args.seed.length > storage.size())
        return fail(Error::out_of_range);
    auto const seed = std::span(storage).first(args.seed.length);
    TRY(copy_in(seed, args.seed));
    static constinit std::atomic<bool> is_told = false;
    if (!is_told.exchange(true))
        print("random numbers: ", seed.size(), " bytes from ", caller.process().name(), " mixed in");
    add_entropy(seed);
    return {};
}

Result<> sys_random_read(Thread&, RandomReadArgs const& args) {
    std::array<std::byte, 256> chunk;
    for (std::uint64_t done = 0; done < args.into.length;) {
        auto const count = std::min<std::uint64_t>(chunk.size(), args.into.length - done);
        auto const bytes = std::span(chunk).first(count);
        fill_random(bytes);
        TRY(copy_out(args.into.part(done, count), bytes));
        done += count;
    }
    return {};
}

}  // namespace astrata::kernel
