#include "strates/linux/filesystems/proc/process_texts.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/out_of_memory.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/system_information.h"
#include "strates/linux/process/times.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {

namespace {

Task* find_locked(ProcessSubject subject) REQUIRES(process_table().mutex) {
    auto* process = process_table().find_process(subject.process);
    if (process == nullptr)
        return nullptr;
    if (!subject.is_task())
        return process->tasks.front();
    auto* task = process_table().find_task(subject.task);
    return task != nullptr && &task->process() == process ? task : nullptr;
}

constexpr std::uint64_t kibibytes(std::uint64_t bytes) {
    return bytes / 1024;
}
constexpr std::uint64_t pages(std::uint64_t bytes) {
    return bytes / page_size;
}

}  // namespace

bool exists(ProcessSubject subject) {
    Lock lock(process_table().mutex);
    auto* process = process_table().find_process(subject.process);
    return process != nullptr && (!subject.is_task() || find_locked(subject) != nullptr);
}

LinuxResult<SubjectParts> parts_of(ProcessSubject subject) {
    Lock lock(process_table().mutex);
    if (process_table().find_process(subject.process) == nullptr)
        return fail(Errno::esrch);
    auto* task = find_locked(subject);
    if (task == nullptr)
        return subject.is_task() ? LinuxResult<SubjectParts>(fail(Errno::esrch)) : SubjectParts{};
    return SubjectParts{
        .task = Ref<Task>::share(*task),
        .memory = task->share_memory(),
        .files = task->share_files(),
        .fs = task->share_fs(),
        .credentials = task->share_credentials(),
    };
}

namespace {

/// What stat and status show, copied out so that no lock is held while text is made.
struct Snapshot {
    ProcessId parent = 0;
    ProcessId group = 0;
    ProcessId session = 0;
    std::uint32_t terminal = 0;
    std::int64_t foreground = -1;
    char state = 'Z';
    std::uint32_t threads = 0;
    Usage usage;
    Usage children;
    std::uint64_t start_ns = 0;
    std::uint32_t exit_signal = 17;
    std::uint32_t exit_status = 0;
    std::uint32_t nice_up = 20;  // 20 + nice
    std::int32_t scheduling_priority = 0;
    std::uint32_t policy = 0;
    std::uint64_t cpu_mask = 1;
    std::uint64_t resident_limit = unlimited;
    SignalSet pending;
    SignalSet shared_pending;
    SignalSet blocked;
    SignalSet ignored;
    SignalSet caught;
    std::uint64_t queued_signals = 0;
    std::uint64_t queue_limit = 0;
    bool no_new_privileges = false;
    std::uint32_t processor = 0;
    std::array<char, 16> name = {};
    std::size_t name_length = 0;
    [[nodiscard]] std::string_view name_view() const { return {name.data(), name_length}; }
};

LinuxResult<Snapshot> take_snapshot(ProcessSubject subject) {
    Snapshot snapshot;
    Lock lock(process_table().mutex);
    auto* process = process_table().find_process(subject.process);
    if (process == nullptr)
        return fail(Errno::esrch);
    auto* task = find_locked(subject);
    if (task == nullptr && subject.is_task())
        return fail(Errno::esrch);
    snapshot.parent = process->parent != nullptr ? process->parent->id : 0;
    snapshot.group = process->group->id;
    snapshot.session = process->group->session->id;
    if (auto const& terminal = process->group->session->terminal; terminal) {
        snapshot.terminal = terminal->device_number();
        auto const foreground = terminal->foreground_group();
        snapshot.foreground = foreground == 0 ? -1 : static_cast<std::int64_t>(foreground);
    }
    snapshot.threads = process->task_count;
    snapshot.usage = subject.is_task() ? thread_usage(*task) : process_usage(*process);
    snapshot.children = process->children_usage;
    snapshot.start_ns = task != nullptr && subject.is_task() ? task->start_ns : process->start_ns;
    snapshot.exit_signal = static_cast<std::uint32_t>(process->exit_signal);
    snapshot.exit_status = process->is_zombie ? process->exit_status.value : 0;
    snapshot.resident_limit = process->limits.soft(LimitKind::resident);
    snapshot.queue_limit = process->limits.soft(LimitKind::pending_signals);
    {
        Lock signals(process->signal_mutex);
        snapshot.shared_pending = process->pending.set();
        snapshot.queued_signals = process->pending.queued();
        process->actions->summarize(snapshot.ignored, snapshot.caught);
        if (task != nullptr) {
            snapshot.pending = task->pending.set();
            snapshot.queued_signals += task->pending.queued();
        }
        if (process->is_stopped)
            snapshot.state = 'T';
    }
    std::string_view name = "init";
    if (task != nullptr) {
        if (snapshot.state != 'T')
            snapshot.state = static_cast<char>(task->run_state.load(std::memory_order_relaxed));
        snapshot.blocked = task->blocked();
        snapshot.nice_up = static_cast<std::uint32_t>(20 + task->nice);
        snapshot.scheduling_priority = task->scheduling_priority;
        snapshot.policy = task->scheduling_policy;
        snapshot.cpu_mask = task->cpu_mask;
        snapshot.no_new_privileges = task->no_new_privileges;
        if (auto const info = sys::thread_info(task->thread); info)
            snapshot.processor = info->cpu;
        name = task->name();
    } else if (process->is_zombie) {
        name = {};
    } else {
        snapshot.state = 'S';  // our own init, which has no task
    }
    snapshot.name_length = std::min(name.size(), snapshot.name.size());
    std::ranges::copy(name.substr(0, snapshot.name_length), snapshot.name.begin());
    return snapshot;
}

}  // namespace

LinuxResult<> make_stat(ProcessSubject subject, TextBuffer& text) {
    auto const shot = LTRY(take_snapshot(subject));
    auto const parts = LTRY(parts_of(subject));
    MemoryLayout layout;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident = 0;
    if (parts.memory) {
        layout = parts.memory->layout();
        virtual_bytes = parts.memory->virtual_bytes();
        resident = parts.memory->resident_bytes();
    }
    text.put_decimal(subject.task).put(" (").put(shot.name_view()).put(") ").put(shot.state).put(' ');
    text.put_decimal(shot.parent).put(' ').put_decimal(shot.group).put(' ').put_decimal(shot.session).put(' ');
    text.put_decimal(shot.terminal).put(' ').put_signed(shot.foreground);
    text.put(" 0 0 0 0 0 ");  // flags and page faults, which Bedrock counts for the silo only
    // Program and system time are measured as one figure.
    text.put_decimal(to_ticks(shot.usage.cpu_ns)).put(" 0 ").put_decimal(to_ticks(shot.children.cpu_ns)).put(" 0 ");
    text.put_decimal(shot.nice_up).put(' ').put_signed(static_cast<std::int64_t>(shot.nice_up) - 20).put(' ');
    text.put_decimal(shot.threads).put(" 0 ").put_decimal(to_ticks(shot.start_ns)).put(' ');
    text.put_decimal(virtual_bytes)
        .put(' ')
        .put_decimal(pages(resident))
        .put(' ')
        .put_decimal(shot.resident_limit)
        .put(' ');
    text.put_decimal(layout.code_start).put(' ').put_decimal(layout.code_end).put(' ').put_decimal(layout.stack_start);
    text.put(" 0 0 ");  // stack and instruction pointer
    text.put_decimal(shot.pending.bits & 0x7fff'ffff).put(' ').put_decimal(shot.blocked.bits & 0x7fff'ffff).put(' ');
    text.put_decimal(shot.ignored.bits & 0x7fff'ffff).put(' ').put_decimal(shot.caught.bits & 0x7fff'ffff).put(' ');
    text.put(shot.state == 'S' || shot.state == 'D' ? "1" : "0").put(" 0 0 ").put_decimal(shot.exit_signal).put(' ');
    text.put_decimal(shot.processor).put(' ').put_signed(shot.scheduling_priority).put(' ').put_decimal(shot.policy);
    text.put(" 0 0 0 ");  // block I/O delay, guest times
    text.put_decimal(layout.data_start)
        .put(' ')
        .put_decimal(layout.data_end)
        .put(' ')
        .put_decimal(layout.data_end)
        .put(' ');
    text.put_decimal(layout.arguments_start).put(' ').put_decimal(layout.arguments_end).put(' ');
    text.put_decimal(layout.environment_start).put(' ').put_decimal(layout.environment_end).put(' ');
    text.put_decimal(shot.exit_status).put('\n');
    return {};
}

namespace {

std::string_view state_name(char state) {
    switch (state) {
    case 'R': return "R (running)";
    case 'S': return "S (sleeping)";
    case 'D': return "D (disk sleep)";
    case 'T': return "T (stopped)";
    case 'Z': return "Z (zombie)";
    default: return "X (dead)";
    }
}

void put_signal_line(TextBuffer& text, std::string_view name, std::uint64_t bits) {
    text.put(name).put(":\t").put_hexadecimal(bits, 16).put('\n');
}

void put_size_line(TextBuffer& text, std::string_view name, std::uint64_t bytes) {
    text.put(name).put(":\t").put_decimal(kibibytes(bytes), 8).put(" kB\n");
}

}  // namespace

LinuxResult<> make_status(ProcessSubject subject, TextBuffer& text) {
    auto const shot = LTRY(take_snapshot(subject));
    auto const parts = LTRY(parts_of(subject));
    text.put("Name:\t").put_escaped(shot.name_view()).put("\nUmask:\t");
    text.put_octal(parts.fs ? parts.fs->umask() : 022, 4);
    text.put("\nState:\t").put(state_name(shot.state));
    text.put("\nTgid:\t").put_decimal(subject.process).put("\nNgid:\t0\nPid:\t").put_decimal(subject.task);
    text.put("\nPPid:\t").put_decimal(shot.parent).put("\nTracerPid:\t0\n");
    std::array<std::uint32_t, 4> uids = {};
    std::array<std::uint32_t, 4> gids = {};
    std::span<GroupId const> groups;
    if (parts.credentials) {
        auto const& of = *parts.credentials;
        uids = {of.uid, of.effective_uid, of.saved_uid, of.file_uid};
        gids = {of.gid, of.effective_gid, of.saved_gid, of.file_gid};
        groups = of.groups();
    }
    text.put("Uid:");
    for (auto const id : uids)
        text.put('\t').put_decimal(id);
    text.put("\nGid:");
    for (auto const id : gids)
        text.put('\t').put_decimal(id);
    text.put("\nFDSize:\t").put_decimal(parts.files ? parts.files->slot_count() : 0).put("\nGroups:\t");
    for (auto const group : groups)
        text.put_decimal(group).put(' ');
    text.put('\n');
    if (parts.memory) {
        auto& memory = *parts.memory;
        std::uint64_t code = 0;
        std::uint64_t data = 0;
        std::uint64_t stack = 0;
        std::uint64_t libraries = 0;
        auto const layout = memory.layout();
        memory.for_each_region([&](Region const& region) {
            if (region.kind == RegionKind::stack)
                stack += region.length();
            else if ((region.access & protection::execute) != 0 && region.contains(layout.code_start))
                code += region.length();
            else if ((region.access & protection::execute) != 0)
                libraries += region.length();
            else if ((region.access & protection::write) != 0 && !region.is_shared)
                data += region.length();
        });
        put_size_line(text, "VmSize", memory.virtual_bytes());
        put_size_line(text, "VmLck", 0);
        put_size_line(text, "VmRSS", memory.resident_bytes());
        put_size_line(text, "VmData", data);
        put_size_line(text, "VmStk", stack);
        put_size_line(text, "VmExe", code);
        put_size_line(text, "VmLib", libraries);
        put_size_line(text, "VmSwap", 0);
    }
    text.put("Threads:\t").put_decimal(shot.threads);
    text.put("\nSigQ:\t").put_decimal(shot.queued_signals).put('/').put_decimal(shot.queue_limit).put('\n');
    put_signal_line(text, "SigPnd", shot.pending.bits);
    put_signal_line(text, "ShdPnd", shot.shared_pending.bits);
    put_signal_line(text, "SigBlk", shot.blocked.bits);
    put_signal_line(text, "SigIgn", shot.ignored.bits);
    put_signal_line(text, "SigCgt", shot.caught.bits);
    if (parts.credentials) {
        put_signal_line(text, "CapInh", parts.credentials->inheritable);
        put_signal_line(text, "CapPrm", parts.credentials->permitted);
        put_signal_line(text, "CapEff", parts.credentials->effective);
        put_signal_line(text, "CapBnd", parts.credentials->bounding);
        put_signal_line(text, "CapAmb", parts.credentials->ambient);
    }
    text.put("NoNewPrivs:\t").put(shot.no_new_privileges ? '1' : '0').put("\nSeccomp:\t0\n");
    text.put("Cpus_allowed:\t").put_hexadecimal(shot.cpu_mask & online_cpu_mask());
    text.put("\nvoluntary_ctxt_switches:\t").put_decimal(shot.usage.switches);
    text.put("\nnonvoluntary_ctxt_switches:\t0\n");
    return {};
}

LinuxResult<> make_smaps_rollup(ProcessSubject subject, TextBuffer& text) {
    auto const parts = LTRY(parts_of(subject));
    if (!parts.memory)
        return fail(Errno::esrch);
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    parts.memory->for_each_region([&](Region const& region) {
        start = end == 0 ? region.start : start;
        end = region.end;
    });
    constexpr int address_digits = 8;
    text.put_hexadecimal(start, address_digits).put('-').put_hexadecimal(end, address_digits);
    text.put(" ---p 00000000 00:00 0                          [rollup]\n");
    put_size_line(text, "Rss", parts.memory->resident_bytes());
    put_size_line(text, "AnonHugePages", parts.memory->large_bytes());
    return {};
}

LinuxResult<> make_statm(ProcessSubject subject, TextBuffer& text) {
    auto const parts = LTRY(parts_of(subject));
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident = 0;
    std::uint64_t shared = 0;
    std::uint64_t code = 0;
    std::uint64_t data = 0;
    if (parts.memory) {
        virtual_bytes = parts.memory->virtual_bytes();
        resident = parts.memory->resident_bytes();
        parts.memory->for_each_region([&](Region const& region) {
            if (region.is_shared)
                shared += region.length();
            else if ((region.access & protection::execute) != 0)
                code += region.length();
            else if ((region.access & protection::write) != 0)
                data += region.length();
        });
    }
    text.put_decimal(pages(virtual_bytes)).put(' ').put_decimal(pages(resident)).put(' ');
    text.put_decimal(pages(std::min(shared, resident))).put(' ').put_decimal(pages(code)).put(" 0 ");
    text.put_decimal(pages(data)).put(" 0\n");
    return {};
}

namespace {

// Copies a part of the program's own memory.
void put_memory(Memory& memory, std::uint64_t begin, std::uint64_t end, TextBuffer& text) {
    constexpr std::uint64_t part_limit = 128 * 1024;
    std::array<std::byte, 1024> chunk;
    end = std::min(end, begin + part_limit);
    while (begin < end) {
        auto const wanted = std::min<std::uint64_t>(chunk.size(), end - begin);
        auto const got = memory.read(begin, MutableBytes(chunk).first(wanted));
        text.put(as_text(Bytes(chunk).first(got)));
        if (got < wanted)
            return;
        begin += got;
    }
}

}  // namespace

LinuxResult<> make_command_line(ProcessSubject subject, TextBuffer& text) {
    auto const parts = LTRY(parts_of(subject));
    if (parts.memory) {
        auto const layout = parts.memory->layout();
        put_memory(*parts.memory, layout.arguments_start, layout.arguments_end, text);
    }
    return {};
}

LinuxResult<> make_environment(ProcessSubject subject, TextBuffer& text) {
    auto const parts = LTRY(parts_of(subject));
    if (parts.memory) {
        auto const layout = parts.memory->layout();
        put_memory(*parts.memory, layout.environment_start, layout.environment_end, text);
    }
    return {};
}

LinuxResult<> make_auxiliary_vector(ProcessSubject subject, TextBuffer& text) {
    auto const parts = LTRY(parts_of(subject));
    if (parts.memory) {
        auto const layout = parts.memory->layout();
        put_memory(*parts.memory, layout.auxiliary_start, layout.auxiliary_start + layout.auxiliary_length, text);
    }
    return {};
}

LinuxResult<> make_name(ProcessSubject subject, TextBuffer& text) {
    text.put(LTRY(take_snapshot(subject)).name_view()).put('\n');
    return {};
}

LinuxResult<> store_name(ProcessSubject subject, std::string_view given) {
    Lock lock(process_table().mutex);
    auto* task = find_locked(subject);
    if (task == nullptr)
        return fail(Errno::esrch);
    if (&task->process() != &current_process())
        return fail(Errno::einval);
    task->set_name(given);
    return {};
}

LinuxResult<> make_maps(ProcessSubject subject, TextBuffer& text) {
    auto const parts = LTRY(parts_of(subject));
    if (!parts.memory)
        return {};
    parts.memory->for_each_region([&](Region const& region) {
        auto const line_begin = text.view().size();
        text.put_hexadecimal(region.start, 8).put('-').put_hexadecimal(region.end, 8).put(' ');
        text.put((region.access & protection::read) != 0 ? 'r' : '-');
        text.put((region.access & protection::write) != 0 ? 'w' : '-');
        text.put((region.access & protection::execute) != 0 ? 'x' : '-');
        text.put(region.is_shared ? 's' : 'p').put(' ').put_hexadecimal(region.backing ? region.offset : 0, 8).put(' ');
        auto const device = region.backing ? region.backing->device() : 0;
        text.put_hexadecimal(device_major(device), 2).put(':').put_hexadecimal(device_minor(device), 2).put(' ');
        text.put_decimal(region.backing ? region.backing->inode() : 0);
        std::array<char, path_limit> name;
        std::string_view shown;
        if (region.backing)
            shown = {name.data(), region.backing->describe(name)};
        else if (region.kind == RegionKind::heap)
            shown = "[heap]";
        else if (region.kind == RegionKind::stack)
            shown = "[stack]";
        else if (region.kind == RegionKind::vdso)
            shown = "[vdso]";
        if (!shown.empty()) {
            constexpr std::size_t name_column = 73;
            do {
                text.put(' ');
            } while (text.view().size() < line_begin + name_column && !text.has_failed());
            text.put(shown);
        }
        text.put('\n');
    });
    return {};
}

LinuxResult<> make_limits(ProcessSubject subject, TextBuffer& text) {
    struct Row {
        LimitKind kind;
        std::string_view name;
        std::string_view unit;
    };
    static constexpr std::array<Row, limit_count> rows = {{
        {LimitKind::cpu, "Max cpu time", "seconds"},
        {LimitKind::file_size, "Max file size", "bytes"},
        {LimitKind::data, "Max data size", "bytes"},
        {LimitKind::stack, "Max stack size", "bytes"},
        {LimitKind::core, "Max core file size", "bytes"},
        {LimitKind::resident, "Max resident set", "bytes"},
        {LimitKind::processes, "Max processes", "processes"},
        {LimitKind::open_files, "Max open files", "files"},
        {LimitKind::locked_memory, "Max locked memory", "bytes"},
        {LimitKind::address_space, "Max address space", "bytes"},
        {LimitKind::locks, "Max file locks", "locks"},
        {LimitKind::pending_signals, "Max pending signals", "signals"},
        {LimitKind::message_queues, "Max msgqueue size", "bytes"},
        {LimitKind::nice, "Max nice priority", ""},
        {LimitKind::real_time_priority, "Max realtime priority", ""},
        {LimitKind::real_time_us, "Max realtime timeout", "us"},
    }};
    std::array<Limit, limit_count> limits;
    {
        Lock lock(process_table().mutex);
        auto* process = process_table().find_process(subject.process);
        if (process == nullptr)
            return fail(Errno::esrch);
        for (auto const& row : rows)
            limits[static_cast<std::size_t>(row.kind)] = process->limits.get(row.kind);
    }
    auto put_column = [&](auto write, std::size_t width) {
        auto const end = text.view().size() + width;
        write();
        while (text.view().size() < end && !text.has_failed())
            text.put(' ');
    };
    auto put_value = [&](std::uint64_t value) {
        put_column([&] { value == unlimited ? text.put("unlimited") : text.put_decimal(value); }, 21);
    };
    text.put("Limit                     Soft Limit           Hard Limit           Units     \n");
    for (auto const& row : rows) {
        auto const limit = limits[static_cast<std::size_t>(row.kind)];
        put_column([&] { text.put(row.name); }, 26);
        put_value(limit.soft);
        put_value(limit.hard);
        put_column([&] { text.put(row.unit); }, 10);
        text.put('\n');
    }
    return {};
}

LinuxResult<> make_control_group(ProcessSubject, TextBuffer& text) {
    text.put("0::/\n");
    return {};
}

namespace {

void put_mount_options(TextBuffer& text, std::uint64_t flags, bool is_read_only) {
    text.put(is_read_only ? "ro" : "rw");
    if ((flags & mount_flag::no_set_id) != 0)
        text.put(",nosuid");
    if ((flags & mount_flag::no_devices) != 0)
        text.put(",nodev");
    if ((flags & mount_flag::no_execution) != 0)
        text.put(",noexec");
    text.put((flags & mount_flag::no_access_times) != 0 ? ",noatime" : ",relatime");
}

/// For each mount that the subject can see: its mount point as the subject sees it.
template <typename Visitor>
LinuxResult<> visit_mounts(ProcessSubject subject, Visitor visit) {
    auto const parts = LTRY(parts_of(subject));
    if (!parts.fs)
        return fail(Errno::einval);
    auto const root = parts.fs->root();
    // Text is made while the tree is locked: it needs memory at most, never a file system.
    tree().for_each_mount([&](Mount& mount) NO_THREAD_SAFETY_ANALYSIS {  // for_each_mount holds the tree's mutex
        std::array<char, path_limit> place;
        Path const path{Ref<Mount>::share(mount), Ref<Dentry>::share(mount.root())};
        auto const shown = tree().format_locked(path, root, place);
        if (shown && !shown->starts_with("(unreachable)"))
            visit(mount, *shown);
    });
    return {};
}

}  // namespace

LinuxResult<> make_mounts(ProcessSubject subject, TextBuffer& text) {
    return visit_mounts(subject, [&](Mount& mount, std::string_view place) {
        text.put_escaped(mount.source())
            .put(' ')
            .put_escaped(place)
            .put(' ')
            .put(mount.file_system().type_name())
            .put(' ');
        put_mount_options(text, mount.flags(), mount.is_read_only());
        text.put(" 0 0\n");
    });
}

LinuxResult<> make_mount_information(ProcessSubject subject, TextBuffer& text) {
    return visit_mounts(subject, [&](Mount& mount, std::string_view place) {
        auto const* parent = mount.parent();
        text.put_decimal(mount.id()).put(' ').put_decimal(parent != nullptr ? parent->id() : mount.id()).put(' ');
        auto const device = mount.file_system().device();
        text.put_decimal(device_major(device)).put(':').put_decimal(device_minor(device)).put(" / ");
        text.put_escaped(place).put(' ');
        put_mount_options(text, mount.flags(), mount.is_read_only());
        text.put(" - ").put(mount.file_system().type_name()).put(' ').put_escaped(mount.source());
        text.put(mount.file_system().is_read_only() ? " ro\n" : " rw\n");
    });
}

LinuxResult<> make_memory_score(ProcessSubject subject, TextBuffer& text) {
    if (!exists(subject))
        return fail(Errno::esrch);
    text.put_decimal(memory_score(subject.process)).put('\n');
    return {};
}

LinuxResult<> make_memory_score_adjustment(ProcessSubject subject, TextBuffer& text) {
    Lock lock(process_table().mutex);
    auto* process = process_table().find_process(subject.process);
    if (process == nullptr)
        return fail(Errno::esrch);
    text.put_signed(process->oom_score_adjustment.load(std::memory_order_relaxed)).put('\n');
    return {};
}

LinuxResult<> store_memory_score_adjustment(ProcessSubject subject, std::string_view given) {
    std::int32_t value = 0;
    auto const parsed = std::from_chars(given.begin(), given.end(), value);
    if (parsed.ec != std::errc() || parsed.ptr != given.end() || value < -1000 || value > 1000)
        return fail(Errno::einval);
    Lock lock(process_table().mutex);
    auto* process = process_table().find_process(subject.process);
    if (process == nullptr)
        return fail(Errno::esrch);
    if (value < process->oom_score_adjustment.load(std::memory_order_relaxed) &&
        !current_task().credentials().has(Capability::sys_resource))
        return fail(Errno::eacces);
    process->oom_score_adjustment.store(value, std::memory_order_relaxed);
    return {};
}

LinuxResult<> make_login_id(ProcessSubject subject, TextBuffer& text) {
    if (!exists(subject))
        return fail(Errno::esrch);
    text.put_decimal(~std::uint32_t{0});  // not set: nobody audits
    return {};
}

}  // namespace astrata::linux_abi
