#include "strates/linux/calls/arguments.h"

#include "strates/linux/process/process.h"

namespace astrata::linux_abi {

LinuxResult<Path> place_at(Task& task, std::int32_t directory, GuestAddress path, std::uint64_t flags,
                           LastComponent last) {
    PathText text;
    std::string_view name;
    // A null path with AT_EMPTY_PATH means the descriptor itself, as newer kernels have it.
    if (!(path.is_null() && (flags & at_flag::empty_path) != 0))
        name = LTRY(text.read(path));
    if (name.empty() && (flags & at_flag::empty_path) != 0) {
        if (directory == at_current_directory)
            return task.fs().working_directory();
        return place_of(task, directory);
    }
    if ((flags & at_flag::no_follow) != 0)
        last = LastComponent::no_follow;
    else if ((flags & at_flag::follow) != 0)
        last = LastComponent::follow;
    StartAt start(task);
    LTRY(start.set(directory, name));
    Walker walker(start.get());
    return walker.resolve(name, last);
}

LinuxResult<Path> place_of(Task& task, std::int32_t descriptor) {
    auto const file = LTRY(task.files().get(descriptor));
    if (file->path() == nullptr)
        return fail(Errno::einval);
    return *file->path();
}

std::uint64_t descriptor_limit(Task& task) {
    return task.process().limits.soft(LimitKind::open_files);
}

LinuxResult<std::uint64_t> give_descriptor(Task& task, Ref<File> file, bool close_on_exec) {
    return static_cast<std::uint64_t>(
        LTRY(task.files().insert(std::move(file), close_on_exec, descriptor_limit(task))));
}

}  // namespace astrata::linux_abi
