// A fixed tree of generated files, given as a table: what /sys is, and /proc apart from the processes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "strates/linux/filesystems/synthetic/text_file.h"

namespace astrata::linux_abi {

/// One entry of the table; tables are constant and live for ever.
struct StaticEntry {
    std::string_view name;
    std::uint32_t permissions = 0444;
    /// A file: makes its text.
    void (*generate)(TextBuffer& text) = nullptr;
    /// A file that can be written: takes what was written.
    LinuxResult<> (*store)(std::string_view text) = nullptr;
    /// A symbolic link: its target.
    LinuxResult<std::size_t> (*link_target)(std::span<char> into) = nullptr;
    /// A directory: what is in it.
    std::span<StaticEntry const> children = {};
    /// A directory that has not the same entries on all machines, instead of `children`.
    std::span<StaticEntry const> (*list_children)() = nullptr;

    [[nodiscard]] FileType type() const {
        return generate != nullptr      ? FileType::regular
               : link_target != nullptr ? FileType::symbolic_link
                                        : FileType::directory;
    }
    [[nodiscard]] std::uint32_t mode() const {
        auto const bits = type() == FileType::regular ? permissions : type() == FileType::directory ? 0555u : 0777u;
        return bits | static_cast<std::uint32_t>(type());
    }
    [[nodiscard]] std::span<StaticEntry const> present_children() const {
        return list_children != nullptr ? list_children() : children;
    }
    /// Inode number: where the entry lies is as good as any.
    [[nodiscard]] std::uint64_t number() const { return reinterpret_cast<std::uintptr_t>(this) >> 3; }
};

class StaticInode : public SyntheticInode {
public:
    StaticInode(FileSystem& file_system, StaticEntry const& entry)
        : SyntheticInode(file_system, entry.number(), entry.mode()), entry_(entry) {}

    LinuxResult<> generate(TextBuffer& text) override;
    LinuxResult<> store(std::string_view text) override;
    LinuxResult<LookupResult> lookup(std::string_view name) override REQUIRES(mutex_);
    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override REQUIRES(mutex_);
    LinuxResult<std::size_t> read_link(std::span<char> into) override;

protected:
    StaticEntry const& entry_;
};

/// A file system that is one table.
class StaticFileSystem final : public FileSystem {
public:
    static LinuxResult<Ref<StaticFileSystem>> create(std::string_view type_name, std::uint64_t magic,
                                                     StaticEntry const& root);
    [[nodiscard]] std::string_view type_name() const override { return type_name_; }
    [[nodiscard]] Ref<Inode> root() override { return Ref<Inode>::share(*root_); }
    [[nodiscard]] LinuxResult<FileSystemStatistics> statistics() override {
        return FileSystemStatistics{.magic = magic_};
    }

private:
    StaticFileSystem(std::string_view type_name, std::uint64_t magic) : type_name_(type_name), magic_(magic) {}
    ~StaticFileSystem() override = default;
    void release_root() override { root_ = nullptr; }

    std::string_view const type_name_;
    std::uint64_t const magic_;
    RefOrNull<Inode> root_;
};

}  // namespace astrata::linux_abi
