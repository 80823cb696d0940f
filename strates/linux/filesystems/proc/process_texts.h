// The texts in /proc/PID (proc(5)).
#pragma once

#include "strates/linux/core/errno.h"
#include "strates/linux/core/task.h"
#include "strates/linux/filesystems/synthetic/text_buffer.h"

namespace astrata::linux_abi {

/// Whom a directory in /proc is about: a process, or one of its tasks (/proc/PID/task/TID).
struct ProcessSubject {
    ProcessId process = 0;
    ProcessId task = 0;  // the same as `process` for the process as a whole
    [[nodiscard]] bool is_task() const { return task != process; }
};

/// References to what a subject uses, taken under the process table's lock for use without it. Zombies have none of it.
struct SubjectParts {
    RefOrNull<Task> task;
    RefOrNull<Memory> memory;
    RefOrNull<FileTable> files;
    RefOrNull<FileSystemContext> fs;
    RefOrNull<Credentials> credentials;
};
/// errors    esrch
LinuxResult<SubjectParts> parts_of(ProcessSubject subject);
/// Whether it is still there.
[[nodiscard]] bool exists(ProcessSubject subject);

// Each makes one text. errors    esrch
LinuxResult<> make_stat(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_status(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_statm(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_smaps_rollup(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_command_line(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_environment(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_auxiliary_vector(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_name(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_maps(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_limits(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_control_group(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_mounts(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_mount_information(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_memory_score(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_memory_score_adjustment(ProcessSubject subject, TextBuffer& text);
LinuxResult<> make_login_id(ProcessSubject subject, TextBuffer& text);

LinuxResult<> store_name(ProcessSubject subject, std::string_view given);
LinuxResult<> store_memory_score_adjustment(ProcessSubject subject, std::string_view given);

}  // namespace astrata::linux_abi
