#include "kernel/object/fakes_test.h"

#include "kernel/boot/vdso.h"
#include "kernel/ipc/reply.h"
#include "kernel/mem/address_space.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/sched/thread_registry.h"
#include "kernel/time/clock.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel {

Waitable::~Waitable() = default;
void Waitable::signal(std::uint64_t) {
    object_fakes.signalled.push_back(this);
}

void Reply::connect(Thread&) {}
void Reply::drop(std::uint64_t) {
    ++object_fakes.dropped_replies;
}

Thread::Thread(Ref<Account> account, RefOrNull<Process> process, std::string_view, mem::KernelStack stack,
               Ref<Reply> reply)
    : KernelObject(abi::ObjectKind::thread, std::move(account)), process_(std::move(process)), stack_(std::move(stack)),
      reply_(std::move(reply)), timeout_(timeout_expired, *this) {}
Thread::~Thread() {
    ++object_fakes.destroyed_threads;
}
void Thread::timeout_expired(TimerNode&) {}
void Thread::handles_gone() {}
std::uint64_t Thread::used_ticks() {
    return run_ticks;
}
void Thread::kill() {
    ++object_fakes.killed_threads;
}

SiloCpu::SiloCpu(Silo& of) : TimerNode([](TimerNode&) {}), silo(of) {}
void cpu_limits::add(Silo&) {}
void cpu_limits::remove(Silo&) {}

void register_process(Process&) {}
void unregister_process(Process&) {}
void unregister_thread(Thread&) {}

constinit std::atomic<std::uint32_t> trace::enabled_groups = 0;
void trace::record_process_end(Process&, abi::ProcessState, std::int64_t) {}
void trace::record_silo_start(Silo&, Silo const*) {}
void trace::record_silo_end(Silo&) {}

Result<VirtAddr> furnish_home(AddressSpace&) {
    return VirtAddr{};
}

std::uint64_t clock::ns_from_ticks(std::uint64_t ticks) {
    return ticks;
}

}  // namespace astrata::kernel
