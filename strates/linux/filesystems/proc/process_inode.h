// Directories and files of /proc/PID.
#pragma once

#include "strates/linux/filesystems/proc/process_texts.h"
#include "strates/linux/filesystems/synthetic/text_file.h"

namespace astrata::linux_abi {

/// A row of the table of what is in /proc/PID and /proc/PID/task/TID.
struct ProcessEntry {
    enum class Kind : std::uint8_t {
        text,
        link,              // exe, cwd, root
        descriptors,       // fd: magic links
        descriptor_texts,  // fdinfo
        tasks,             // task; not in a task's own directory
    };
    std::string_view name;
    Kind kind = Kind::text;
    std::uint32_t permissions = 0444;
    LinuxResult<> (*generate)(ProcessSubject, TextBuffer&) = nullptr;
    LinuxResult<> (*store)(ProcessSubject, std::string_view) = nullptr;
    LinuxResult<Path> (*target)(ProcessSubject) = nullptr;  // of a link
};

/// /proc/PID or /proc/PID/task/TID.
LinuxResult<Ref<Inode>> make_process_directory(FileSystem& file_system, ProcessSubject subject);

}  // namespace astrata::linux_abi
