#include "kernel/object/object.h"

#include <utility>

#include "kernel/mem/heap.h"
#include "kernel/sched/reaper.h"

namespace astrata::kernel {

namespace {

std::atomic<std::uint64_t> next_id = 1;

}  // namespace

// Ended processes that wait for their turn. A process's handles may be the last ones of another process, and so on: user
// space makes such chains as long as it likes, and destroying each inside the one before would overflow the kernel stack.
struct KernelObject::EndedProcesses {
    SpinLock<LockRank::reaper, IrqsOff> lock;
    KernelObject* first GUARDED_BY(lock) = nullptr;
    bool is_served GUARDED_BY(lock) = false;   // somebody goes through the list, on this stack or another

    // False if somebody else will see to it.
    bool add(KernelObject& object) {
        LockGuard guard(lock);
        object.next_ended_ = first;
        first = &object;
        return !std::exchange(is_served, true);
    }
    KernelObject* take() {
        LockGuard guard(lock);
        auto* const object = first;
        if (object != nullptr)
            first = object->next_ended_;
        else
            is_served = false;
        return object;
    }
};
constinit KernelObject::EndedProcesses KernelObject::ended_processes;

KernelObject::KernelObject(abi::ObjectKind kind, Ref<Account> account)
    : kind_(kind), id_(next_id.fetch_add(1, std::memory_order_relaxed)), account_(std::move(account)),
      derivation_root_(*this) {}

// A part of a part belongs to the whole, so that no chain of references grows.
KernelObject::KernelObject(abi::ObjectKind kind, Ref<Account> account, KernelObject& whole)
    : kind_(kind), id_(next_id.fetch_add(1, std::memory_order_relaxed)), account_(std::move(account)),
      derivation_root_(*Ref<KernelObject>::share(whole.derivation_root_).leak()) {}

KernelObject::~KernelObject() {
    if (&derivation_root_ != this)
        derivation_root_.drop_reference();
}

void KernelObject::drop_reference_late(Ref<KernelObject> object) {
    auto& dropped = *object.leak();
    if (!dropped.drop_reference_unless_last())
        hand_to_reaper(dropped);
}

void KernelObject::destroy(KernelObject* object) {
    if (object->kind_ != abi::ObjectKind::process) {
        destroy_now(object);
        return;
    }
    if (!ended_processes.add(*object))
        return;
    while (auto* const ended = ended_processes.take())
        destroy_now(ended);
}

void KernelObject::destroy_now(KernelObject* object) {
    // The destructor drops the object's reference to its account, but the charge, which operator delete returns, keeps
    // the account alive; its id is all that is needed until then.
    auto const payer = object->account_->id();
    UnchargeBatch batch;
    auto const size = object->charged_bytes_;
    delete object;
    batch.add(payer, size);
}

void KernelObject::operator delete(void* memory, std::size_t size) {
    mem::heap_free(memory, size);
}

}  // namespace astrata::kernel
