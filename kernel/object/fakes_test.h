// What the scheduler, IPC and the rest do for objects, played by the tests.
#pragma once

#include <algorithm>
#include <vector>

#include "kernel/mem/test_machine.h"
#include "kernel/object/make_object.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

class Waitable;

struct ObjectFakes {
    int dropped_replies = 0;
    int killed_threads = 0;
    int destroyed_threads = 0;
    std::vector<Waitable const*> signalled;
    [[nodiscard]] bool was_signalled(Waitable const& waitable) const {
        return std::ranges::contains(signalled, &waitable);
    }
};
inline ObjectFakes object_fakes;

/// Memory, accounts and a root silo.
class ObjectTest {
public:
    ObjectTest() : machine_(64U << 20) {
        object_fakes = {};
        if (!machine_.initialize())
            std::abort();
    }
    [[nodiscard]] Ref<Silo> make_root() { return Silo::create(nullptr, 0, 0, 0).value(); }

    /// A thread that is not in a process yet.
    static Ref<Thread> make_thread(Process& process) {
        auto& account = process.silo().memory();
        return make_object<Thread>(account, RefOrNull<Process>(Ref<Process>::share(process)), "a thread",
                                   mem::KernelStack::create(account).value(), make_object<Reply>(account).value())
            .value();
    }

private:
    TestMachine machine_;
};

/// An object that only has handles.
class Thing final : public KernelObject {
public:
    explicit Thing(Ref<Account> account) : KernelObject(abi::ObjectKind::notification, std::move(account)) {}
    void handles_gone() override { ++times_without_handles; }
    void receivers_gone() override { ++times_without_receivers; }
    int times_without_handles = 0;
    int times_without_receivers = 0;
};

}  // namespace astrata::kernel
