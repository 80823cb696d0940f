#include "kernel/sched/thread_registry.h"

#include "kernel/object/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel {

namespace {

// Ids rise with creation, and elements are appended, so each list is sorted by id.
template <typename T, ListLink<T> T::* link>
class Registry {
public:
    void add(T& element) {
        LockGuard guard(lock_);
        // Two creations may arrive here in the other order than they took their ids.
        auto* position = list_.back();
        while (position != nullptr && position->id() > element.id())
            position = (position->*link).previous;
        list_.insert_before(position != nullptr ? list_.next(*position) : list_.front(), element);
    }
    void remove(T& element) {
        LockGuard guard(lock_);
        if (list_.is_linked(element))
            list_.remove(element);
    }
    RefOrNull<T> next(std::uint64_t id) {
        LockGuard guard(lock_);
        for (auto& element : list_) {
            if (element.id() > id && element.try_add_reference())
                return Ref<T>::adopt(element);
        }
        return nullptr;
    }

private:
    SpinLock<LockRank::registry, PreemptionOff> lock_;
    IntrusiveList<T, link> list_ GUARDED_BY(lock_);
};

constinit Registry<Thread, &Thread::all_link> threads;
constinit Registry<Process, &Process::all_link> processes;

}  // namespace

void register_thread(Thread& thread) {
    threads.add(thread);
    if (trace::is_on(abi::TraceGroups::life)) [[unlikely]]
        trace::record_thread_start(thread);
}
void unregister_thread(Thread& thread) {
    threads.remove(thread);
    if (trace::is_on(abi::TraceGroups::life)) [[unlikely]]
        trace::record_thread_end(thread);
}
RefOrNull<Thread> next_thread(std::uint64_t id) {
    return threads.next(id);
}
void register_process(Process& process) {
    processes.add(process);
    if (trace::is_on(abi::TraceGroups::life)) [[unlikely]]
        trace::record_process_start(process);
}
void unregister_process(Process& process) {
    processes.remove(process);
}
RefOrNull<Process> next_process(std::uint64_t id) {
    return processes.next(id);
}

}  // namespace astrata::kernel
