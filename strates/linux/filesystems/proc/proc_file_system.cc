#include "strates/linux/filesystems/proc/proc_file_system.h"

#include <array>
#include <charconv>
#include <new>

#include "strates/linux/core/make.h"
#include "strates/linux/filesystems/proc/process_inode.h"
#include "strates/linux/filesystems/proc/system_texts.h"
#include "strates/linux/filesystems/synthetic/static_tree.h"
#include "strates/linux/process/process_table.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t proc_magic = 0x9fa0;  // PROC_SUPER_MAGIC
/// Positions for readers: the fixed entries first, then this plus the id of the last process shown.
constexpr std::uint64_t processes_begin = 1 << 20;

class ProcRootInode final : public StaticInode {
public:
    explicit ProcRootInode(FileSystem& file_system) : StaticInode(file_system, proc_tree()) {}

    LinuxResult<LookupResult> lookup(std::string_view name) override REQUIRES(mutex_) {
        ProcessId id = 0;
        auto const parsed = std::from_chars(name.begin(), name.end(), id);
        if (parsed.ec != std::errc() || parsed.ptr != name.end() || name.front() == '0')
            return StaticInode::lookup(name);
        {
            Lock lock(process_table().mutex);
            auto* task = process_table().find_task(id);
            // A task's id works too, though only processes are listed.
            if (process_table().find_process(id) == nullptr && task == nullptr)
                return LookupResult{.may_be_cached = false};
            if (task != nullptr)
                id = task->process().id;
        }
        return LookupResult{.inode = LTRY(make_process_directory(file_system(), {.process = id, .task = id})),
                            .may_be_cached = false};
    }

    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override REQUIRES(mutex_) {
        auto const fixed = entry_.children.size();
        for (; position < fixed; ++position) {
            auto const& child = entry_.children[position];
            if (!sink.add(child.name, child.number(), child.type(),
                          position + 1 == fixed ? processes_begin : position + 1))
                return {};
        }
        auto id = static_cast<ProcessId>(position < processes_begin ? 0 : position - processes_begin);
        for (;;) {
            {
                Lock lock(process_table().mutex);
                auto* process = process_table().next_process(id);
                if (process == nullptr)
                    return {};
                id = process->id;
            }
            std::array<char, 16> text;
            TextWriter name(text);
            name.put_decimal(id);
            if (!sink.add(name.view(), std::uint64_t{id} << 32, FileType::directory, processes_begin + id))
                return {};
        }
    }
};

}  // namespace

LinuxResult<Ref<ProcFileSystem>> ProcFileSystem::create() {
    auto* made = new (std::nothrow) ProcFileSystem;
    if (made == nullptr)
        return fail(Errno::enomem);
    auto file_system = Ref<ProcFileSystem>::adopt(*made);
    file_system->root_ = Ref<Inode>(LTRY(make_ref<ProcRootInode>(*file_system)));
    return file_system;
}

Ref<Inode> ProcFileSystem::root() {
    return Ref<Inode>::share(*root_);
}

void ProcFileSystem::release_root() {
    root_ = nullptr;
}

LinuxResult<FileSystemStatistics> ProcFileSystem::statistics() {
    return FileSystemStatistics{.magic = proc_magic};
}

}  // namespace astrata::linux_abi
