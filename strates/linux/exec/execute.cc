#include "strates/linux/exec/execute.h"

#include <algorithm>
#include <array>
#include <new>

#include "abi/system_calls.h"
#include "strates/linux/core/make.h"
#include "strates/linux/exec/load.h"
#include "strates/linux/exec/machine.h"
#include "strates/linux/exec/random_reserve.h"
#include "strates/linux/exec/script.h"
#include "strates/linux/exec/stack_layout.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/futex/futex.h"
#include "strates/linux/futex/robust_list.h"
#include "strates/linux/memory/file_backing.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/signal/vector_state.h"
#include "strates/linux/time/process_timers.h"
#include "strates/linux/vfs/operations.h"
#include "strates/linux/vfs/permissions.h"

namespace astrata::linux_abi {
namespace {

// Follows #! lines until there is a binary. `name` is what the program is called (its comm): the script's or file's.
LinuxResult<Ref<File>> resolve_scripts(Task& task, Ref<File> file, std::string_view path, ProgramStrings& arguments) {
    constexpr int depth_limit = 4;
    auto limit = argument_limit(task);
    std::array<char, path_limit> script_path;
    for (int depth = 0;; ++depth) {
        std::array<char, script_line_limit> start;
        auto buffer = IoBuffer::from_memory(std::as_writable_bytes(std::span(start)));
        auto length = LTRY(file->read_at(buffer, 0));
        auto line = LTRY(parse_script_line({start.data(), length}));
        if (!line.has_value())
            return file;
        if (depth == depth_limit)
            return fail(Errno::eloop);
        // argv becomes: interpreter, its argument, the script's path, and the old arguments without the first.
        if (path.size() >= script_path.size())
            return fail(Errno::enametoolong);
        arguments.remove_first();
        LTRY(arguments.prepend(path, limit));
        if (!line->argument.empty())
            LTRY(arguments.prepend(line->argument, limit));
        LTRY(arguments.prepend(line->interpreter, limit));
        file = LTRY(open_executable({.context = task.fs(), .credentials = task.credentials()}, line->interpreter));
        std::ranges::copy(line->interpreter, script_path.begin());
        path = {script_path.data(), line->interpreter.size()};
    }
}

// Set-id bits; returns the new credentials and whether the program is to distrust its environment.
struct NewCredentials {
    Ref<Credentials> credentials;
    bool is_secure = false;
};
LinuxResult<NewCredentials> credentials_after(Task& task, File& file) {
    auto fresh = LTRY(task.credentials().copy());
    auto const* inode = file.inode();
    constexpr std::uint32_t set_uid = 04000, set_gid = 02000, group_execute = 010;
    bool is_secure = false;
    if (inode != nullptr && !task.no_new_privileges) {
        auto mode = inode->permissions();
        if ((mode & set_uid) != 0) {
            is_secure = is_secure || fresh->uid != inode->uid();
            fresh->effective_uid = inode->uid();
        }
        if ((mode & (set_gid | group_execute)) == (set_gid | group_execute)) {
            is_secure = is_secure || fresh->gid != inode->gid();
            fresh->effective_gid = inode->gid();
        }
    }
    if (is_secure)
        fresh->ambient = 0;
    fresh->saved_uid = fresh->file_uid = fresh->effective_uid;
    fresh->saved_gid = fresh->file_gid = fresh->effective_gid;
    // capabilities(7): root's programs get all that the bounding set allows, other programs only the ambient ones.
    if (fresh->effective_uid == 0 || fresh->uid == 0) {
        fresh->permitted = fresh->bounding;
        fresh->effective = fresh->effective_uid == 0 ? fresh->permitted : 0;
    } else {
        fresh->permitted = fresh->effective = fresh->ambient;
    }
    is_secure = is_secure || fresh->uid != fresh->effective_uid || fresh->gid != fresh->effective_gid;
    return NewCredentials{std::move(fresh), is_secure};
}

LinuxResult<StackImage> fill_stack(LoadedProgram const& program, NewCredentials const& who, std::string_view path,
                                   ProgramStrings const& arguments, ProgramStrings const& environment) {
    auto const facts = machine_facts();
    auto const& ids = *who.credentials;
    std::array<AuxiliaryEntry, 17> auxiliary = {{
        {AuxiliaryKind::vdso, program.layout.vdso},
        {AuxiliaryKind::capabilities, facts.capabilities},
        {AuxiliaryKind::page_size, page_size},
        {AuxiliaryKind::clock_ticks, 100},
        {AuxiliaryKind::program_headers, program.program_headers},
        {AuxiliaryKind::program_header_size, sizeof(elf::ProgramHeader)},
        {AuxiliaryKind::program_header_count, program.program_header_count},
        {AuxiliaryKind::base, program.interpreter_base},
        {AuxiliaryKind::flags, 0},
        {AuxiliaryKind::entry, program.program_entry},
        {AuxiliaryKind::uid, ids.uid},
        {AuxiliaryKind::effective_uid, ids.effective_uid},
        {AuxiliaryKind::gid, ids.gid},
        {AuxiliaryKind::effective_gid, ids.effective_gid},
        {AuxiliaryKind::secure, who.is_secure ? 1u : 0u},
        {AuxiliaryKind::capabilities2, facts.capabilities2},
        {AuxiliaryKind::minimum_signal_stack, machine::largest_frame(vector_state_size())},
    }};
    StackRequest request{.top = program.stack_top,
                         .arguments = arguments.packed(),
                         .argument_count = arguments.count(),
                         .environment = environment.packed(),
                         .environment_count = environment.count(),
                         .executable_name = path,
                         .platform = machine::platform_name,
                         .auxiliary = auxiliary};
    LTRY(take_random(request.random));
    return build_stack(request);
}

std::string_view last_component(std::string_view path) {
    auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

void take_over_leader(Task& task) {
    auto& process = task.process();
    if (task.id() == process.id)
        return;
    Lock lock(process_table().mutex);
    process_table().remove(task);
    task.take_over_id(process.id);
    process_table().insert(task);
}

// The old program's last duties, then the new one in its place. Failing here ends the process.
LinuxResult<> switch_program(Task& task, Ref<Memory> memory, LoadedProgram const& program, std::uint64_t stack_pointer,
                             NewCredentials who) {
    auto& process = task.process();
    leave_robust_list(task);
    if (!task.clear_child_tid.is_null() && write_guest(task.clear_child_tid, std::uint32_t{0}).has_value())
        static_cast<void>(wake_futex(task.clear_child_tid, 1, ~0u, true));
    task.clear_child_tid = {};

    LTRY(sys::thread_set_space(memory->space()));
    task.set_memory(std::move(memory));
    release_vfork_parent(task);
    LTRY(reset_vector_state());

    process.actions->reset_handlers();
    delete_posix_timers(process);
    task.alternate_stack = {};
    task.restart = {};
    task.set_credentials(std::move(who.credentials));
    process.is_dumpable = !who.is_secure;
    {
        Lock lock(process_table().mutex);
        process.has_executed = true;
        process.exit_signal = Signal::sigchld;
    }
    task.files().close_marked();

    auto& state = task.state();
    state = {};
    LTRY(sys::restricted_load_bases());
    instruction_pointer(state) = program.entry;
    linux_abi::stack_pointer(state) = stack_pointer;
    machine::begin_program(state);
    state.exit = abi::RestrictedExit::kick;  // every register is loaded: nothing is left of the former program's
    task.system_call = Task::no_system_call;
    return {};
}

}  // namespace

std::uint64_t argument_limit(Task& task) {
    constexpr std::uint64_t least = 128 << 10, most = 6 << 20;
    return std::clamp(task.process().limits.soft(LimitKind::stack) / 4, least, most);
}

LinuxResult<> execute_program(Task& task, Ref<File> file, std::string_view path, ProgramStrings& arguments,
                              ProgramStrings const& environment) {
    auto& process = task.process();
    auto binary = LTRY(resolve_scripts(task, std::move(file), path, arguments));
    auto who = LTRY(credentials_after(task, *binary));  // a script's own set-id bits count for nothing
    auto memory = LTRY(Memory::create());
    auto program = LTRY(load_program(task, *binary, *memory, process.limits.soft(LimitKind::stack)));
    auto stack = LTRY(fill_stack(program, who, path, arguments, environment));
    if (stack.stack_pointer < program.stack_bottom + page_size)
        return fail(Errno::e2big);
    if (memory->write(stack.stack_pointer, stack.bytes.span()) != stack.bytes.size())
        return fail(Errno::enomem);
    auto& layout = program.layout;
    layout.stack_start = stack.stack_pointer;
    layout.arguments_start = stack.arguments_start;
    layout.arguments_end = stack.arguments_end;
    layout.environment_start = stack.environment_start;
    layout.environment_end = stack.environment_end;
    layout.auxiliary_start = stack.auxiliary_start;
    layout.auxiliary_length = stack.auxiliary_length;
    memory->set_layout(layout);
    auto executable = LTRY(make_ref<FileBacking>(binary, 0u));
    memory->set_executable(Ref<RegionBacking>(std::move(executable)));

    // Own copies of what other processes may share with this one.
    if (task.files().reference_count() > 1)
        task.set_files(LTRY(task.files().clone()));
    auto actions = LTRY(process.actions->copy());

    LTRY(end_other_tasks(task));
    take_over_leader(task);
    {
        Lock lock(process.signal_mutex);
        std::swap(process.actions, actions);
    }
    auto switched = switch_program(task, std::move(memory), program, stack.stack_pointer, std::move(who));
    if (!switched.has_value()) {
        begin_group_exit(process, WaitStatus::killed(Signal::sigkill, false));
        return switched;
    }
    task.set_name(last_component(path));
    return {};
}

}  // namespace astrata::linux_abi
