// execve, and what describes the running program: prctl, thread ids, personality.
#include <algorithm>
#include <array>

#include "linux_calls/table.h"
#include "strates/linux/core/task.h"
#include "strates/linux/exec/execute.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/file/text.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/vfs/operations.h"

namespace astrata::linux_abi {
namespace {

// The file behind a descriptor that fexecve names with an empty path; `name` becomes what the program is called.
LinuxResult<Ref<File>> open_descriptor(Task& task, std::int32_t descriptor, std::span<char> text,
                                       std::string_view& name) {
    auto const file = LTRY(task.files().get(descriptor));
    if (file->path() == nullptr)
        return fail(Errno::eacces);
    TextWriter words(text);
    words.put("/dev/fd/").put_decimal(static_cast<std::uint64_t>(descriptor));
    name = words.view();
    return open_executable_place(*file->path(), task.credentials());
}

LinuxResult<std::uint64_t> execute(Task& task, std::int32_t directory, GuestAddress path, GuestAddress arguments,
                                   GuestAddress environment, std::uint32_t at_flags) {
    std::array<char, path_limit> text;
    std::string_view name(text.data(), LTRY(copy_string_from_guest(text, path)));
    // Room for the path itself, which shell scripts get as an argument of a long one.
    ProgramStrings program_arguments, program_environment;
    auto limit = argument_limit(task);
    LTRY(program_arguments.append_from_guest(arguments, limit));
    LTRY(program_environment.append_from_guest(
        environment, limit - std::min<std::uint64_t>(limit, program_arguments.packed().size())));
    // As Linux since 5.18: no program sees an empty argument vector.
    if (program_arguments.count() == 0)
        LTRY(program_arguments.append("", limit));

    if (name.empty() && (at_flags & at_flag::empty_path) != 0) {
        auto file = LTRY(open_descriptor(task, directory, text, name));
        LTRY(execute_program(task, std::move(file), name, program_arguments, program_environment));
        return 0;
    }
    RefOrNull<File> directory_file;
    WalkStart start{.context = task.fs(), .credentials = task.credentials()};
    if (directory != at_current_directory && !name.starts_with('/')) {
        directory_file = LTRY(task.files().get(directory));
        start.directory = directory_file->path();
        if (start.directory == nullptr)
            return fail(Errno::enotdir);
    }
    auto file = LTRY(open_executable(start, name, at_flags));
    LTRY(execute_program(task, std::move(file), name, program_arguments, program_environment));
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_execve(Task& task, GuestAddress path, GuestAddress arguments, GuestAddress environment) {
    return execute(task, at_current_directory, path, arguments, environment, 0);
}

LinuxResult<std::uint64_t> sys_execveat(Task& task, std::int32_t directory, GuestAddress path, GuestAddress arguments,
                                        GuestAddress environment, std::uint64_t flags) {
    if ((flags & ~std::uint64_t{at_flag::empty_path | at_flag::no_follow}) != 0)
        return fail(Errno::einval);
    return execute(task, directory, path, arguments, environment, static_cast<std::uint32_t>(flags));
}

LinuxResult<std::uint64_t> sys_set_tid_address(Task& task, GuestAddress address) {
    task.clear_child_tid = address;
    return task.id();
}

LinuxResult<std::uint64_t> sys_personality(Task& task, std::uint64_t persona) {
    auto former = task.process().personality.load(std::memory_order_relaxed);
    if (static_cast<std::uint32_t>(persona) != ~0u)
        task.process().personality.store(static_cast<std::uint32_t>(persona), std::memory_order_relaxed);
    return former;
}

LinuxResult<std::uint64_t> sys_prctl(Task& task, std::int32_t option, std::uint64_t argument2, std::uint64_t argument3,
                                     std::uint64_t argument4, std::uint64_t argument5) {
    enum : std::int32_t {
        set_parent_death_signal = 1,
        get_parent_death_signal = 2,
        get_dumpable = 3,
        set_dumpable = 4,
        get_keep_capabilities = 7,
        set_keep_capabilities = 8,
        set_name = 15,
        get_name = 16,
        get_seccomp = 21,
        set_seccomp = 22,
        read_bounding = 23,
        drop_bounding = 24,
        get_secure_bits = 27,
        set_secure_bits = 28,
        set_timer_slack = 29,
        get_timer_slack = 30,
        set_child_subreaper = 36,
        get_child_subreaper = 37,
        set_no_new_privileges = 38,
        get_no_new_privileges = 39,
        get_thp_disable = 42,
        ambient = 47,
        set_vma = 0x53564d41
    };
    constexpr std::uint32_t keep_capabilities = 1u << 4;
    auto& process = task.process();
    switch (option) {
    case set_parent_death_signal:
        if (argument2 > static_cast<std::uint64_t>(last_signal))
            return fail(Errno::einval);
        task.parent_death_signal = static_cast<std::int32_t>(argument2);
        return 0;
    case get_parent_death_signal: LTRY(write_guest(GuestAddress{argument2}, task.parent_death_signal)); return 0;
    case get_dumpable: return process.is_dumpable.load() ? 1 : 0;
    case set_dumpable:
        if (argument2 > 1)
            return fail(Errno::einval);
        process.is_dumpable = argument2 == 1;
        return 0;
    case get_keep_capabilities: return (task.credentials().secure_bits & keep_capabilities) != 0 ? 1 : 0;
    case set_keep_capabilities: {
        if (argument2 > 1)
            return fail(Errno::einval);
        auto fresh = LTRY(task.credentials().copy());
        fresh->secure_bits = (fresh->secure_bits & ~keep_capabilities) | (argument2 == 1 ? keep_capabilities : 0);
        task.set_credentials(std::move(fresh));
        return 0;
    }
    case set_name: {
        std::array<char, 16> name{};
        auto length = copy_string_from_guest(name, {argument2});
        if (!length.has_value() && length.error() != Errno::enametoolong)
            return fail(length.error());
        task.set_name({name.data(), length.value_or(name.size() - 1)});
        return 0;
    }
    case get_name: {
        std::array<char, 16> name{};
        std::ranges::copy(task.name(), name.begin());
        LTRY(write_guest(GuestAddress{argument2}, name));
        return 0;
    }
    case get_seccomp: return 0;
    case read_bounding:
        if (argument2 > last_capability)
            return fail(Errno::einval);
        return task.credentials().bounding >> argument2 & 1;
    case drop_bounding: {
        if (!task.credentials().has(Capability::setpcap))
            return fail(Errno::eperm);
        if (argument2 > last_capability)
            return fail(Errno::einval);
        auto fresh = LTRY(task.credentials().copy());
        fresh->bounding &= ~(std::uint64_t{1} << argument2);
        task.set_credentials(std::move(fresh));
        return 0;
    }
    case get_secure_bits: return task.credentials().secure_bits;
    case set_secure_bits: {
        if (!task.credentials().has(Capability::setpcap))
            return fail(Errno::eperm);
        auto fresh = LTRY(task.credentials().copy());
        fresh->secure_bits = static_cast<std::uint32_t>(argument2);
        task.set_credentials(std::move(fresh));
        return 0;
    }
    case set_timer_slack: return 0;  // sleeps are never lengthened
    case get_timer_slack: return 1;
    case set_child_subreaper: {
        Lock lock(process_table().mutex);
        process.is_subreaper = argument2 != 0;
        return 0;
    }
    case get_child_subreaper: {
        std::int32_t is_subreaper = 0;
        {
            Lock lock(process_table().mutex);
            is_subreaper = process.is_subreaper ? 1 : 0;
        }
        LTRY(write_guest(GuestAddress{argument2}, is_subreaper));
        return 0;
    }
    case set_no_new_privileges:
        if (argument2 != 1 || argument3 != 0 || argument4 != 0 || argument5 != 0)
            return fail(Errno::einval);
        task.no_new_privileges = true;
        return 0;
    case get_no_new_privileges: return task.no_new_privileges ? 1 : 0;
    case get_thp_disable: return 0;
    // Filters that would be accepted and not applied are worse than none; names of mappings and ambient capabilities
    // are optional to all callers.
    case set_seccomp:
    case ambient:
    case set_vma:
    default: return fail(Errno::einval);
    }
}

}  // namespace astrata::linux_abi
