#include "strates/linux/core/task.h"

#include <algorithm>
#include <new>

#include "abi/system_calls.h"
#include "sdk/thread_context.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {

Task* current_task_or_null() {
    return static_cast<Task*>(sdk::thread_context().user);
}

Task::Task(ProcessId id, Process& process) : id_(id), process_(process) {
    process.add_reference();
}

Task::~Task() = default;

void Task::destroy(Task* task) {
    Process& process = task->process_;
    delete task;
    process.drop_reference();
}

LinuxResult<Ref<Task>> Task::create(ProcessId id, Process& process) {
    auto* task = new (std::nothrow) Task(id, process);
    if (task == nullptr)
        return fail(Errno::enomem);
    return Ref<Task>::adopt(*task);
}

RefOrNull<FileTable> Task::share_files() const {
    return files_;
}
RefOrNull<FileSystemContext> Task::share_fs() const {
    return fs_;
}
RefOrNull<Memory> Task::share_memory() const {
    return memory_;
}
RefOrNull<Credentials> Task::share_credentials() const {
    return credentials_;
}

// The table's lock is what procfs copies these references under; the old object is let go outside it, since that may
// close files.
void Task::set_files(RefOrNull<FileTable> files) {
    Lock lock(process_table().mutex);
    std::swap(files_, files);
    lock.unlock();
}
void Task::set_fs(RefOrNull<FileSystemContext> fs) {
    Lock lock(process_table().mutex);
    std::swap(fs_, fs);
    lock.unlock();
}
void Task::set_memory(RefOrNull<Memory> memory) {
    Lock lock(process_table().mutex);
    std::swap(memory_, memory);
    lock.unlock();
}
void Task::set_credentials(Ref<Credentials> credentials) {
    RefOrNull<Credentials> fresh(std::move(credentials));
    Lock lock(process_table().mutex);
    std::swap(credentials_, fresh);
    lock.unlock();
}

void Task::set_name(std::string_view name) {
    auto length = std::min(name.size(), name_.size() - 1);
    std::ranges::fill(name_, '\0');
    std::ranges::copy(name.substr(0, length), name_.begin());
    name_length_ = static_cast<std::uint8_t>(length);
}

void Task::set_blocked(SignalSet set) {
    set = set & ~unblockable_signals;
    Lock lock(process_.signal_mutex);
    auto const newly_blocked = set & ~blocked();
    blocked_.store(set.bits, std::memory_order_release);
    if (!(process_.pending.set() & newly_blocked).is_empty())
        interrupt_takers_locked(process_, *this);
    if (!((pending.set() | process_.pending.set()) & ~set).is_empty())
        work.fetch_or(task_work::signal, std::memory_order_release);
}

void Task::interrupt(std::uint32_t bits) {
    work.fetch_or(bits, std::memory_order_seq_cst);
    if (current_task_or_null() == this)
        return;
    parker.unpark();
    auto const handle = parker.thread();
    if (handle == 0)
        return;
    // The task's loop looks at `work` before each entry, and Bedrock at kicks: one of the two sees us. Where the task
    // is we need not know, so that a system call costs it no announcement. One that is to end is also kicked out of
    // calls to other strates, which nothing else interrupts.
    static_cast<void>((bits & task_work::exit) != 0 ? sys::thread_kick(handle) : sys::thread_kick_program(handle));
}

}  // namespace astrata::linux_abi
