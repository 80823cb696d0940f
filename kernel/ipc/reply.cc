#include "kernel/ipc/reply.h"

#include "kernel/mem/memory_object.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

void Reply::connect(Thread& caller) {
    LockGuard guard(lock_);
    caller_ = &caller;
}

void Reply::disconnect() {
    LockGuard guard(lock_);
    caller_ = nullptr;
}

RefOrNull<Thread> Reply::claim(std::uint64_t call_number, std::uint32_t status) {
    LockGuard guard(lock_);
    if (caller_ == nullptr || !caller_->try_answer(call_number, status))
        return nullptr;
    return Ref<Thread>::share(*caller_);
}

RefOrNull<MemoryObject> Reply::paged_object(std::uint64_t call_number) {
    LockGuard guard(lock_);
    // While the call waits, its thread keeps the object alive and does not touch the field.
    if (caller_ == nullptr || caller_->call_number != call_number || !caller_->is_waiting() || caller_->paged_object == nullptr)
        return nullptr;
    return Ref<MemoryObject>::share(*caller_->paged_object);
}

void Reply::drop(std::uint64_t call_number) {
    auto const caller = claim(call_number, static_cast<std::uint32_t>(Error::peer_closed));
    if (caller)
        sched::make_ready(*caller);
}

}  // namespace astrata::kernel
