#include "strates/linux/filesystems/proc/process_inode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "strates/linux/core/make.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/memory/file_backing.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {

namespace {

LinuxResult<Path> executable_of(ProcessSubject subject) {
    auto const parts = LTRY(parts_of(subject));
    if (!parts.memory)
        return fail(Errno::enoent);
    auto const backing = parts.memory->executable();
    if (!backing)
        return fail(Errno::enoent);
    auto const& file = static_cast<FileBacking const&>(*backing).file();
    if (file.path() == nullptr)
        return fail(Errno::enoent);
    return *file.path();
}

LinuxResult<Path> working_directory_of(ProcessSubject subject) {
    auto const parts = LTRY(parts_of(subject));
    if (!parts.fs)
        return fail(Errno::enoent);
    return parts.fs->working_directory();
}

LinuxResult<Path> root_of(ProcessSubject subject) {
    auto const parts = LTRY(parts_of(subject));
    if (!parts.fs)
        return fail(Errno::enoent);
    return parts.fs->root();
}

using Kind = ProcessEntry::Kind;

constexpr std::array entries = {
    ProcessEntry{.name = "auxv", .permissions = 0400, .generate = make_auxiliary_vector},
    ProcessEntry{.name = "cgroup", .generate = make_control_group},
    ProcessEntry{.name = "cmdline", .generate = make_command_line},
    ProcessEntry{.name = "comm", .permissions = 0644, .generate = make_name, .store = store_name},
    ProcessEntry{.name = "cwd", .kind = Kind::link, .target = working_directory_of},
    ProcessEntry{.name = "environ", .permissions = 0400, .generate = make_environment},
    ProcessEntry{.name = "exe", .kind = Kind::link, .target = executable_of},
    ProcessEntry{.name = "fd", .kind = Kind::descriptors},
    ProcessEntry{.name = "fdinfo", .kind = Kind::descriptor_texts},
    ProcessEntry{.name = "limits", .generate = make_limits},
    ProcessEntry{.name = "loginuid", .generate = make_login_id},
    ProcessEntry{.name = "maps", .generate = make_maps},
    ProcessEntry{.name = "mountinfo", .generate = make_mount_information},
    ProcessEntry{.name = "mounts", .generate = make_mounts},
    ProcessEntry{.name = "oom_score", .generate = make_memory_score},
    ProcessEntry{.name = "oom_score_adj",
                 .permissions = 0644,
                 .generate = make_memory_score_adjustment,
                 .store = store_memory_score_adjustment},
    ProcessEntry{.name = "root", .kind = Kind::link, .target = root_of},
    ProcessEntry{.name = "sessionid", .generate = make_login_id},
    ProcessEntry{.name = "stat", .generate = make_stat},
    ProcessEntry{.name = "statm", .generate = make_statm},
    ProcessEntry{.name = "smaps_rollup", .generate = make_smaps_rollup},
    ProcessEntry{.name = "status", .generate = make_status},
    ProcessEntry{.name = "task", .kind = Kind::tasks},
};

// Inode numbers: the id, then what it is, then (in fd and fdinfo) the descriptor.
constexpr std::uint64_t number_of(ProcessSubject subject, std::uint64_t what, std::uint64_t descriptor = 0) {
    return (std::uint64_t{subject.task} << 32) + (subject.is_task() ? std::uint64_t{1} << 31 : 0) + (what << 24) +
           descriptor;
}
constexpr std::uint64_t directory_what = 0;

std::uint32_t owner_of(ProcessSubject subject) {
    auto const parts = parts_of(subject);
    return parts && parts->credentials ? parts->credentials->effective_uid : 0;
}

constexpr std::uint32_t mode_of(ProcessEntry const& entry) {
    switch (entry.kind) {
    case Kind::text: return entry.permissions | static_cast<std::uint32_t>(FileType::regular);
    case Kind::link: return 0777 | static_cast<std::uint32_t>(FileType::symbolic_link);
    case Kind::descriptors:
    case Kind::descriptor_texts: return 0500 | static_cast<std::uint32_t>(FileType::directory);
    case Kind::tasks: return 0555 | static_cast<std::uint32_t>(FileType::directory);
    }
    return 0;
}
constexpr FileType type_of(ProcessEntry const& entry) {
    return static_cast<FileType>(mode_of(entry) & file_type_mask);
}

LinuxResult<std::size_t> show_path(Path const& path, std::span<char> into) {
    std::array<char, path_limit> text;
    auto const* task = current_task_or_null();
    if (task == nullptr)
        return fail(Errno::enoent);
    auto const shown = LTRY(tree().format(path, task->fs().root(), text));
    auto const length = std::min(shown.size(), into.size());
    std::ranges::copy(shown.substr(0, length), into.begin());
    return length;
}

std::optional<std::uint32_t> to_number(std::string_view name) {
    std::uint32_t value = 0;
    auto const parsed = std::from_chars(name.begin(), name.end(), value);
    if (parsed.ec != std::errc() || parsed.ptr != name.end() || (name.size() > 1 && name.front() == '0'))
        return std::nullopt;
    return value;
}

class NumberName {
public:
    explicit NumberName(std::uint64_t value) { writer_.put_decimal(value); }
    [[nodiscard]] std::string_view view() const { return writer_.view(); }

private:
    std::array<char, 24> text_;
    TextWriter writer_{text_};
};

// ---- Files and links ----

class ProcessTextInode final : public SyntheticInode {
public:
    ProcessTextInode(FileSystem& file_system, ProcessSubject subject, ProcessEntry const& entry, std::uint64_t number)
        : SyntheticInode(file_system, number, mode_of(entry), owner_of(subject)), subject_(subject), entry_(entry) {}
    LinuxResult<> generate(TextBuffer& text) override { return entry_.generate(subject_, text); }
    LinuxResult<> store(std::string_view text) override {
        if (entry_.store == nullptr)
            return fail(Errno::eacces);
        return entry_.store(subject_, text);
    }

private:
    ProcessSubject const subject_;
    ProcessEntry const& entry_;
};

class ProcessLinkInode final : public SyntheticInode {
public:
    ProcessLinkInode(FileSystem& file_system, ProcessSubject subject, ProcessEntry const& entry, std::uint64_t number)
        : SyntheticInode(file_system, number, mode_of(entry), owner_of(subject)), subject_(subject), entry_(entry) {}
    [[nodiscard]] bool is_magic_link() const override { return true; }
    LinuxResult<Path> follow_magic_link() override { return entry_.target(subject_); }
    LinuxResult<std::size_t> read_link(std::span<char> into) override {
        return show_path(LTRY(entry_.target(subject_)), into);
    }

private:
    ProcessSubject const subject_;
    ProcessEntry const& entry_;
};

// ---- Descriptors ----

LinuxResult<Ref<File>> file_of(ProcessSubject subject, std::int32_t descriptor) {
    auto const parts = LTRY(parts_of(subject));
    if (!parts.files)
        return fail(Errno::enoent);
    auto file = parts.files->get(descriptor);
    if (!file)
        return fail(Errno::enoent);
    return file;
}

/// /proc/PID/fd/N. Files without a place lead to a dentry of their own, through which they open again as themselves.
class DescriptorLinkInode final : public SyntheticInode {
public:
    DescriptorLinkInode(FileSystem& file_system, ProcessSubject subject, std::int32_t descriptor, std::uint32_t mode,
                        std::uint64_t number)
        : SyntheticInode(file_system, number, mode, owner_of(subject)), subject_(subject), descriptor_(descriptor) {}
    [[nodiscard]] bool is_magic_link() const override { return true; }
    LinuxResult<Path> follow_magic_link() override;
    LinuxResult<std::size_t> read_link(std::span<char> into) override {
        auto const file = LTRY(file_of(subject_, descriptor_));
        if (file->path() != nullptr)
            return show_path(*file->path(), into);
        std::array<char, 64> text;
        auto const shown = file->describe(text);
        auto const length = std::min(shown.size(), into.size());
        std::ranges::copy(shown.substr(0, length), into.begin());
        return length;
    }

private:
    ProcessSubject const subject_;
    std::int32_t const descriptor_;
};

/// Stands for an open file that has no place of its own when it is reached through /proc/PID/fd.
class OpenFileInode final : public SyntheticInode {
public:
    OpenFileInode(FileSystem& file_system, Ref<File> file, Attributes const& attributes)
        : SyntheticInode(file_system, attributes.node, attributes.mode, attributes.uid, attributes.gid),
          file_(std::move(file)) {}
    LinuxResult<> read_attributes(Attributes& into) override { return file_->read_attributes(into); }
    LinuxResult<Ref<File>> open(Path const&, std::uint32_t flags) override { return file_->open_again(flags); }

private:
    Ref<File> const file_;
};

LinuxResult<Path> DescriptorLinkInode::follow_magic_link() {
    auto file = LTRY(file_of(subject_, descriptor_));
    if (file->path() != nullptr)
        return *file->path();
    auto const attributes = LTRY(file->attributes());
    auto const inode = LTRY(make_ref<OpenFileInode>(file_system(), std::move(file), attributes));
    auto entry = LTRY(Dentry::create(nullptr, "fd", 0, inode.get()));
    // A mount is needed for the place: that of /proc does.
    auto const mount = tree().mount_of(file_system());
    if (!mount)
        return fail(Errno::enoent);
    return Path{Ref<Mount>::share(*mount), std::move(entry)};
}

LinuxResult<> make_descriptor_text(ProcessSubject subject, std::int32_t descriptor, TextBuffer& text) {
    auto const file = LTRY(file_of(subject, descriptor));
    auto const position = file->is_seekable() ? file->seek(0, SeekOrigin::current) : LinuxResult<std::uint64_t>(0);
    text.put("pos:\t").put_decimal(position.value_or(0)).put("\nflags:\t0").put_octal(file->flags(), 6);
    text.put("\nmnt_id:\t").put_decimal(file->path() != nullptr ? file->path()->mount->id() : 0).put('\n');
    return {};
}

class DescriptorTextInode final : public SyntheticInode {
public:
    DescriptorTextInode(FileSystem& file_system, ProcessSubject subject, std::int32_t descriptor, std::uint64_t number)
        : SyntheticInode(file_system, number, static_cast<std::uint32_t>(FileType::regular) | 0400, owner_of(subject)),
          subject_(subject), descriptor_(descriptor) {}
    LinuxResult<> generate(TextBuffer& text) override { return make_descriptor_text(subject_, descriptor_, text); }

private:
    ProcessSubject const subject_;
    std::int32_t const descriptor_;
};

// ---- Directories ----

class DescriptorDirectoryInode final : public SyntheticInode {
public:
    DescriptorDirectoryInode(FileSystem& file_system, ProcessSubject subject, ProcessEntry const& entry,
                             std::uint64_t number)
        : SyntheticInode(file_system, number, mode_of(entry), owner_of(subject)), subject_(subject), entry_(entry) {}

    LinuxResult<LookupResult> lookup(std::string_view name) override REQUIRES(mutex_) {
        auto const descriptor = to_number(name);
        if (!descriptor || *descriptor > 0x7fff'ffff)
            return LookupResult{.may_be_cached = false};
        auto const file = file_of(subject_, static_cast<std::int32_t>(*descriptor));
        if (!file)
            return LookupResult{.may_be_cached = false};
        bool const is_text = entry_.kind == Kind::descriptor_texts;
        auto const child_number = number_of(subject_, is_text ? 126 : 125, *descriptor);
        if (is_text)
            return LookupResult{.inode = Ref<Inode>(LTRY(make_ref<DescriptorTextInode>(
                                    file_system(), subject_, static_cast<std::int32_t>(*descriptor), child_number))),
                                .may_be_cached = false};
        auto const permissions = ((*file)->can_read() ? 0500u : 0u) | ((*file)->can_write() ? 0300u : 0u);
        return LookupResult{.inode = Ref<Inode>(LTRY(make_ref<DescriptorLinkInode>(
                                file_system(), subject_, static_cast<std::int32_t>(*descriptor),
                                permissions | static_cast<std::uint32_t>(FileType::symbolic_link), child_number))),
                            .may_be_cached = false};
    }

    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override REQUIRES(mutex_) {
        auto const parts = LTRY(parts_of(subject_));
        if (!parts.files || position > FileTable::descriptor_limit)
            return {};
        auto const type = entry_.kind == Kind::descriptor_texts ? FileType::regular : FileType::symbolic_link;
        auto descriptor = parts.files->next_used(static_cast<std::int32_t>(position));
        while (descriptor >= 0) {
            auto const of = static_cast<std::uint64_t>(descriptor);
            if (!sink.add(NumberName(of).view(), number_of(subject_, 125, of), type, of + 1))
                return {};
            descriptor = parts.files->next_used(descriptor + 1);
        }
        return {};
    }

private:
    ProcessSubject const subject_;
    ProcessEntry const& entry_;
};

class TasksDirectoryInode final : public SyntheticInode {
public:
    TasksDirectoryInode(FileSystem& file_system, ProcessSubject subject, ProcessEntry const& entry,
                        std::uint64_t number)
        : SyntheticInode(file_system, number, mode_of(entry), owner_of(subject)), subject_(subject) {}

    LinuxResult<LookupResult> lookup(std::string_view name) override REQUIRES(mutex_) {
        auto const id = to_number(name);
        if (!id || !is_task_of(*id))
            return LookupResult{.may_be_cached = false};
        return LookupResult{.inode =
                                LTRY(make_process_directory(file_system(), {.process = subject_.process, .task = *id})),
                            .may_be_cached = false};
    }

    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override REQUIRES(mutex_) {
        auto id = static_cast<ProcessId>(position);
        for (;;) {
            {
                Lock lock(process_table().mutex);
                auto* process = process_table().find_process(subject_.process);
                auto* task = process == nullptr ? nullptr : process_table().next_task(*process, id);
                if (task == nullptr)
                    return {};
                id = task->id();
            }
            if (!sink.add(NumberName(id).view(), number_of({subject_.process, id}, directory_what), FileType::directory,
                          id))
                return {};
        }
    }

private:
    [[nodiscard]] bool is_task_of(ProcessId id) const {
        Lock lock(process_table().mutex);
        auto* task = process_table().find_task(id);
        return task != nullptr && task->process().id == subject_.process;
    }
    ProcessSubject const subject_;
};

class ProcessDirectoryInode final : public SyntheticInode {
public:
    ProcessDirectoryInode(FileSystem& file_system, ProcessSubject subject)
        : SyntheticInode(file_system, number_of(subject, directory_what),
                         static_cast<std::uint32_t>(FileType::directory) | 0555, owner_of(subject)),
          subject_(subject) {}

    LinuxResult<LookupResult> lookup(std::string_view name) override REQUIRES(mutex_) {
        if (!exists(subject_))
            return LookupResult{.may_be_cached = false};
        std::uint64_t index = 0;
        for (auto const& entry : entries) {
            ++index;
            if (entry.name == name && is_shown(entry))
                return LookupResult{.inode = LTRY(make_child(entry, number_of(subject_, index))),
                                    .may_be_cached = false};
        }
        return LookupResult{.may_be_cached = false};
    }

    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override REQUIRES(mutex_) {
        if (!exists(subject_))
            return fail(Errno::enoent);
        for (auto index = position; index < entries.size(); ++index) {
            auto const& entry = entries[index];
            if (is_shown(entry) && !sink.add(entry.name, number_of(subject_, index + 1), type_of(entry), index + 1))
                break;
        }
        return {};
    }

private:
    [[nodiscard]] bool is_shown(ProcessEntry const& entry) const {
        return entry.kind != Kind::tasks || !subject_.is_task();
    }
    LinuxResult<Ref<Inode>> make_child(ProcessEntry const& entry, std::uint64_t child_number) {
        switch (entry.kind) {
        case Kind::text:
            return Ref<Inode>(LTRY(make_ref<ProcessTextInode>(file_system(), subject_, entry, child_number)));
        case Kind::link:
            return Ref<Inode>(LTRY(make_ref<ProcessLinkInode>(file_system(), subject_, entry, child_number)));
        case Kind::descriptors:
        case Kind::descriptor_texts:
            return Ref<Inode>(LTRY(make_ref<DescriptorDirectoryInode>(file_system(), subject_, entry, child_number)));
        case Kind::tasks:
            return Ref<Inode>(LTRY(make_ref<TasksDirectoryInode>(file_system(), subject_, entry, child_number)));
        }
        return fail(Errno::enoent);
    }

    ProcessSubject const subject_;
};

}  // namespace

LinuxResult<Ref<Inode>> make_process_directory(FileSystem& file_system, ProcessSubject subject) {
    return Ref<Inode>(LTRY(make_ref<ProcessDirectoryInode>(file_system, subject)));
}

}  // namespace astrata::linux_abi
