// One-shot reply handles. A thread has one Reply object for life; each call gets a number, and a handle that carries an
// older number answers nobody.
#pragma once

#include <cstdint>

#include "kernel/ipc/processors.h"
#include "kernel/object/object.h"

namespace astrata::kernel {

class MemoryObject;
class Thread;

class Reply final : public KernelObject {
public:
    explicit Reply(Ref<Account> account) : KernelObject(abi::ObjectKind::reply, std::move(account)) {}

    /// The thread whose calls this answers; it disconnects before it goes away.
    void connect(Thread& caller);
    void disconnect();

    /// The handle with this call number was closed unanswered: the call fails with peer_closed.
    void drop(std::uint64_t call_number);
    /// If the call with this number still waits: wins its thread's wake-up with `status` and returns a reference to the
    /// thread, which stays asleep until the claimer, having delivered the answer, makes it ready. Otherwise nothing.
    [[nodiscard]] RefOrNull<Thread> claim(std::uint64_t call_number, std::uint32_t status);
    /// The object whose pages the call with this number asks for; null if the call is over or no page request.
    [[nodiscard]] RefOrNull<MemoryObject> paged_object(std::uint64_t call_number);

private:
    template <Processors processors>
    friend class FastPath;
    SpinLock<LockRank::waitable, PreemptionOff> lock_;
    Thread* caller_ GUARDED_BY(lock_) = nullptr;
};

}  // namespace astrata::kernel
