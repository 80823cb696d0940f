// Arguments that many file calls share: paths, directories to start from, times.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/task.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/vfs/operations.h"

namespace astrata::linux_abi {

/// The text of a path argument.
class PathText {
public:
    /// errors    efault, enametoolong
    LinuxResult<std::string_view> read(GuestAddress path) {
        auto const length = LTRY(copy_string_from_guest(text_, path));
        return std::string_view(text_.data(), length);
    }

private:
    std::array<char, path_limit> text_;  // filled as far as needed
};

/// Where a walk begins: the directory argument of an *at call. Keeps the directory's file alive.
class StartAt {
public:
    /// For calls without a directory argument.
    explicit StartAt(Task& task) : task_(task) {}
    /// `path` decides whether `directory` matters: only relative paths start there.
    /// errors    ebadf, enotdir (a file without a place in the tree)
    LinuxResult<> set(std::int32_t directory, std::string_view path) {
        if (directory == at_current_directory || (!path.empty() && path.front() == '/'))
            return {};
        file_ = LTRY(task_.files().get(directory));
        if (file_->path() == nullptr)
            return fail(Errno::enotdir);
        return {};
    }
    [[nodiscard]] WalkStart get() const { return {task_.fs(), task_.credentials(), file_ ? file_->path() : nullptr}; }
    /// The file of `directory` itself, null for the working directory.
    [[nodiscard]] File* file() const { return file_.get(); }

private:
    Task& task_;
    RefOrNull<File> file_;
};

/// The place of a (directory, path, AT_ flags) argument. With AT_EMPTY_PATH an empty path is the directory argument
/// itself.
/// last      what to do with a link at the end unless the flags say otherwise
/// errors    those of a walk, ebadf
/// (an empty path and a file without a place is ENOENT's business: see FilePlace)
LinuxResult<Path> place_at(Task& task, std::int32_t directory, GuestAddress path, std::uint64_t flags = 0,
                           LastComponent last = LastComponent::follow);
/// The place of an open file.
/// errors    ebadf, einval (it has none)
LinuxResult<Path> place_of(Task& task, std::int32_t descriptor);

/// RLIMIT_NOFILE.
std::uint64_t descriptor_limit(Task& task);
/// Gives the calling task a descriptor for `file`.
LinuxResult<std::uint64_t> give_descriptor(Task& task, Ref<File> file, bool close_on_exec);

/// struct timespec.
struct TimeSpec {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
};
/// struct timeval.
struct TimeValue {
    std::int64_t seconds = 0;
    std::int64_t microseconds = 0;
};

}  // namespace astrata::linux_abi
