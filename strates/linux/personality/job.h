// A program that somebody outside started through the Personality interface: its first process, its streams, and what
// became of it.
#pragma once

#include <cstdint>

#include "abi/silo_manager_types.h"
#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/personality/job_request.h"
#include "strates/linux/process/process.h"
#include "strates/linux/streams/stream_output.h"
#include "strates/linux/streams/stream_terminal.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {

class Job : public RefCounted<Job> {
public:
    static void destroy(Job* job) { delete job; }
    /// `notification` is signalled whenever the job's state changes; borrowed.
    Job(std::uint64_t id, abi::Handle notification) : id(id), notification_(notification) {}

    std::uint64_t const id;

    enum class Phase : std::uint8_t { starting, failed, running, stopped, ended };
    struct State {
        Phase phase = Phase::starting;
        Errno error = Errno::enosys;  ///< in failed
        WaitStatus status;            ///< in ended; in stopped, of the stop
    };
    [[nodiscard]] State state();

    // ---- Called by tasks, also with the process table locked: they only note it and wake the server ----
    void on_started() { change({.phase = Phase::running}); }
    void on_start_failed(Errno reason) { change({.phase = Phase::failed, .error = reason}); }
    void on_ended(WaitStatus status) { change({.phase = Phase::ended, .status = status}); }
    void on_stopped(Signal signal) { change({.phase = Phase::stopped, .status = WaitStatus::stopped(signal)}); }
    void on_continued() { change({.phase = Phase::running}); }

    // ---- Set before the job runs ----
    JobRequest request;
    ProcessId process_id = 0;            ///< also of its first process group and session
    RefOrNull<StreamTerminal> terminal;  ///< absent: three plain streams
    RefOrNull<StreamOutput> output;
    RefOrNull<StreamOutput> error;  ///< the same as output on a terminal

private:
    void change(State state);

    abi::Handle const notification_;
    Mutex mutex_;
    State state_ GUARDED_BY(mutex_);
};

/// Makes the job's first process and starts it; its own thread loads the program. The outcome is the job's state.
/// errors    enomem, eagain
[[nodiscard]] LinuxResult<> start_job(Ref<Job> job, FileSystemContext& context, FileTable& files);

}  // namespace astrata::linux_abi
