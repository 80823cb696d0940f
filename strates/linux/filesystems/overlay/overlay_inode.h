// A node of an overlay or tmpfs.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "abi/message.h"
#include "strates/linux/file/file.h"
#include "strates/linux/filesystems/overlay/entry_table.h"
#include "strates/linux/filesystems/overlay/lower.h"
#include "strates/linux/filesystems/overlay/lower_names.h"
#include "strates/linux/vfs/inode.h"

namespace astrata::linux_abi {

class OverlayFileSystem;

class OverlayInode final : public Inode {
public:
    OverlayInode(FileSystem& file_system, Attributes const& attributes, std::optional<std::uint64_t> lower);

    [[nodiscard]] bool has_lower() const { return has_lower_; }

    LinuxResult<> set_attributes(AttributeChange const& change) override;
    LinuxResult<> truncate(std::uint64_t size) override;
    LinuxResult<LookupResult> lookup(std::string_view name) override REQUIRES(mutex_);
    LinuxResult<Ref<Inode>> create(std::string_view name, NewNode const& node) override REQUIRES(mutex_);
    LinuxResult<Ref<Inode>> create_unnamed(NewNode const& node) override REQUIRES(mutex_);
    LinuxResult<> link(std::string_view name, Inode& node) override REQUIRES(mutex_);
    LinuxResult<> remove(std::string_view name, Inode& node) override REQUIRES(mutex_);
    LinuxResult<> rename(std::string_view name, Inode& node, Inode& new_directory, std::string_view new_name,
                         Inode* replaced) override REQUIRES(mutex_);
    LinuxResult<> exchange(std::string_view name, Inode& node, Inode& other_directory, std::string_view other_name,
                           Inode& other) override REQUIRES(mutex_);
    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override REQUIRES(mutex_);
    [[nodiscard]] std::string_view cached_link_target() const override;
    LinuxResult<std::size_t> read_link(std::span<char> into) override;
    LinuxResult<Ref<File>> open(Path const& path, std::uint32_t flags) override;
    LinuxResult<std::size_t> get_extended_attribute(std::string_view name, MutableBytes into) override;
    LinuxResult<std::size_t> list_extended_attributes(MutableBytes into) override;

    // ---- Contents, for OverlayFile ----

    /// The object to read from; 0 when the file has no contents yet. Valid as long as the inode.
    LinuxResult<abi::Handle> object_to_read() {
        if (auto const object = own_object_.load(std::memory_order_acquire); object != 0)
            return object;
        if (auto const object = lower_object_.load(std::memory_order_acquire); object != 0)
            return object;
        return make_object_to_read();
    }
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t& position, bool append);
    LinuxResult<FileMapping> map(MapRequest const& request);
    /// fallocate(2): `keep_size`, or zeroes a range (`punch`).
    LinuxResult<> allocate(std::uint64_t offset, std::uint64_t length, bool keep_size, bool punch);

private:
    friend class OverlayFileSystem;
    ~OverlayInode() override;
    void dispose() override;
    [[nodiscard]] OverlayFileSystem& overlay() const;
    void keep();  // it differs from its lower node from now on

    LinuxResult<abi::Handle> make_object_to_read();
    LinuxResult<abi::Handle> lower_object_locked() REQUIRES(mutex_);
    /// bytes     that the object will have to hold soon, if it is new
    LinuxResult<abi::Handle> object_to_write_locked(std::uint64_t bytes = 0) REQUIRES(mutex_);
    LinuxResult<> ensure_capacity_locked(abi::Handle object, std::uint64_t bytes) REQUIRES(mutex_);
    [[nodiscard]] LinuxResult<bool> is_empty_locked() REQUIRES(mutex_);
    LinuxResult<bool> lower_has_unhidden_names() REQUIRES(mutex_);
    LinuxResult<> drop_link();
    /// Puts `inode` under `name`, over a whiteout or an entry there, as prepared by EntryTable::make.
    void place_entry_locked(std::unique_ptr<OverlayEntry> entry) REQUIRES(mutex_);
    /// What take_entry_locked needs, so that what can fail comes before what cannot be undone.
    struct Removal {
        OverlayEntry* entry = nullptr;
        std::unique_ptr<OverlayEntry> whiteout;  // if the lower directory has the name
    };
    /// errors    enomem
    LinuxResult<Removal> prepare_removal_locked(std::string_view name) REQUIRES(mutex_);
    void take_entry_locked(Removal removal) REQUIRES(mutex_);
    LinuxResult<Ref<OverlayInode>> make_child(NewNode const& node);
    LinuxResult<> remember_link_target(std::string_view target);

    bool const has_lower_;
    std::uint64_t const lower_;

    // Directories.
    EntryTable entries_ GUARDED_BY(mutex_);
    std::unique_ptr<LowerNames> lower_names_ GUARDED_BY(mutex_);  // once a name was not there

    // Regular files. Handles are set once and closed with the inode, so readers need no lock.
    std::atomic<abi::Handle> lower_object_ = 0;
    std::atomic<abi::Handle> own_object_ = 0;
    std::uint64_t capacity_ GUARDED_BY(mutex_) = 0;  // size of own_object_: at least size()

    // Symbolic links: set once.
    struct LinkTarget {
        std::unique_ptr<char[]> text;
        std::size_t length = 0;
    };
    std::atomic<LinkTarget*> link_target_ = nullptr;

public:
    // For OverlayFileSystem, under its table mutex.
    OverlayInode* next_in_bucket = nullptr;
    ListLink<OverlayInode> pin_link;
    bool is_pinned = false;
    bool is_in_table = false;
};

}  // namespace astrata::linux_abi
