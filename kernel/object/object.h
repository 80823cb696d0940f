// What all kernel objects share: identity, reference count, count of handles, and the root of their derivation tree.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/ipc/processors.h"
#include "abi/types.h"
#include "kernel/mem/account.h"
#include "kernel/sync/spin_lock.h"
#include "lib/base/ref.h"
#include "lib/base/result.h"

namespace astrata::kernel {

struct HandleEntry;
class KernelObject;

/// Builds a kernel object: charges its size to `account`, then constructs T(Ref<Account>, arguments...).
/// errors    no_memory
template <typename T, typename... Arguments>
[[nodiscard]] Result<Ref<T>> make_object(Account& account, Arguments&&... arguments);   // kernel/object/make_object.h

/// Two lifetimes: *handles* say whether user space still cares (handles_gone), *references* whether the memory may go.
class KernelObject : public RefCounted<KernelObject> {
public:
    KernelObject(abi::ObjectKind kind, Ref<Account> account);
    /// A part of another object: its handles hang in that object's derivation tree, and it keeps the tree alive.
    KernelObject(abi::ObjectKind kind, Ref<Account> account, KernelObject& whole);
    virtual ~KernelObject();

    [[nodiscard]] abi::ObjectKind kind() const { return kind_; }
    /// Unique for the life of the system, never reused.
    [[nodiscard]] std::uint64_t id() const { return id_; }
    /// Who pays for the object and its memory.
    [[nodiscard]] Account& account() const { return *account_; }

    /// Called once the last handle is closed, without locks held. The object may still be referenced by others.
    virtual void handles_gone() {}
    /// Called once the last handle with Rights::receive is closed: nobody can ever take from the object again.
    virtual void receivers_gone() {}

    /// The last reference is gone. A process may outlive it for a moment, until another thread comes to it.
    static void destroy(KernelObject* object);
    /// Drops a reference where the object must not end, because locks are held: the reaper drops the last one.
    static void drop_reference_late(Ref<KernelObject> object);

    // Objects live in the kernel heap; see kernel/mem/heap.h. Creation goes through make_object, which charges the account.
    static void* operator new(std::size_t size, void* place) { return static_cast<void>(size), place; }
    static void operator delete(void* memory, std::size_t size);

private:
    template <Processors processors>
    friend class FastPath;
    friend class HandleTable;
    friend class LateObjects;
    template <typename T, typename... Arguments>
    friend Result<Ref<T>> make_object(Account& account, Arguments&&... arguments);
    static void destroy_now(KernelObject* object);
    struct EndedProcesses;
    static EndedProcesses ended_processes;

    abi::ObjectKind const kind_;
    std::uint64_t const id_;
    Ref<Account> const account_;
    KernelObject& derivation_root_;   // whose derivation tree the handles hang in; a reference, unless it is the object itself
    std::atomic<std::uint32_t> handles_ = 0;
    std::atomic<std::uint32_t> receive_handles_ = 0;
    std::uint32_t charged_bytes_ = 0;   // for this object itself, by make_object
    SpinLock<LockRank::derivation, PreemptionOff> derivation_lock_;
    HandleEntry* first_root_ GUARDED_BY(derivation_lock_) = nullptr;   // handles derived from no other
    KernelObject* next_ended_ = nullptr;   // of a process that waits to be destroyed, or an object that waits for the reaper
};

}  // namespace astrata::kernel
