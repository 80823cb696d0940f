// The files that clients use: their inodes, the memory objects that cache their pages, and how much memory all that
// takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "lib/async/task.h"
#include "lib/async/wait_queue.h"
#include "lib/base/intrusive_list.h"
#include "lib/containers/hash_map.h"
#include "lib/ext4/volume.h"
#include "sdk/memory.h"
#include "strates/fs/ext4/read_ahead.h"
#include "strates/fs/ext4/session.h"

namespace astrata::ext4_strate {

/// Pages of a file that were read but not asked for yet.
struct ReadyPages {
    PageRun run;
    std::size_t bytes = 0;  // before the end of the file; the rest of the last page is zero
    Buffer buffer;
};

/// A file in use.
struct CachedFile {
    ext4::Inode inode;
    sdk::MemoryObject contents;        // none until somebody opens the file
    std::uint64_t resident_pages = 0;  // that we supplied and did not take back: at least as many as there are

    ReadAhead read_ahead;
    std::optional<ReadyPages> ready;
    PageRun supplied;      // last
    bool is_busy = false;  // a task is reading pages; others wait in `idle`
    async::WaitQueue idle;

    std::uint32_t users = 0;  // tasks
    ListLink<CachedFile> link;
};

class PageCache {
public:
    /// pager    the endpoint at which page requests arrive; borrowed
    /// silo     own, whose memory limit bounds the cache; borrowed
    PageCache(abi::Handle pager, abi::Handle silo) : pager_(pager), silo_(silo) {}

    /// Keeps a file from being forgotten while a task uses it.
    class Use {
    public:
        explicit Use(CachedFile& file) : file_(&file) { ++file.users; }
        Use(Use&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
        Use& operator=(Use&&) = delete;
        ~Use() {
            if (file_ != nullptr)
                --file_->users;
        }
        CachedFile& operator*() const { return *file_; }
        CachedFile* operator->() const { return file_; }

    private:
        CachedFile* file_;
    };

    /// The file with inode `number`, a regular one.
    /// errors    is_a_directory, invalid_argument (neither file nor directory), and those of Volume::read_inode
    async::Task<Result<Use>> find(ext4::Volume& volume, ext4::InodeNumber number);

    /// A handle to the file's contents for a client.
    /// errors    no_memory, out_of_range (a file larger than a memory object can be)
    [[nodiscard]] Result<sdk::UniqueHandle> open(CachedFile& file);

    /// Frees other pages if the cache would become too large by `run`, which is about to be supplied.
    /// reply    of the page request; its object may be one that a former instance of the strate made
    void make_room(CachedFile& file, PageRun run, abi::Handle reply);
    /// Memory is short: frees every page but those of `run`.
    void free_all_but(CachedFile& file, PageRun run, abi::Handle reply);
    void note_supplied(CachedFile& file, PageRun run);
    /// Gives back the buffers of one file that nobody has asked for yet. False when there are none.
    bool drop_ready_pages();

private:
    static constexpr std::size_t file_limit = 512;

    Result<CachedFile*> insert(ext4::Inode const& inode);
    void forget_oldest();
    void discard(CachedFile& file);
    void discard_all_but(CachedFile& file, PageRun run, abi::Handle reply);
    void count_discarded(CachedFile& file);
    [[nodiscard]] std::uint64_t page_limit() const;

    abi::Handle pager_;
    abi::Handle silo_;
    HashMap<std::uint64_t, std::unique_ptr<CachedFile>> files_;
    IntrusiveList<CachedFile, &CachedFile::link> by_age_;  // least recently used first
    std::uint64_t resident_pages_ = 0;
    std::uint64_t known_limit_ = 0;  // pages; asked for again when it is exceeded, since it may have been changed
    // How many pages the machine has room for beside everything else. Nobody tells, so it is learned: halved when
    // memory runs out, and grown slowly while it does not.
    std::uint64_t learned_limit_ = ~std::uint64_t{0};
    std::uint64_t supplied_since_change_ = 0;
};

}  // namespace astrata::ext4_strate
