// The disk as the file-system reader sees it: reads that survive the driver's restarts.
#pragma once

#include <cstdint>

#include "lib/async/wait_queue.h"
#include "lib/ext4/block_source.h"
#include "strates/fs/ext4/session.h"

namespace astrata::ext4_strate {

/// A block source over the present session. A read whose driver dies is asked again of the next one, so callers never
/// notice a restart except by the time it takes.
class Disk final : public ext4::BlockSource {
public:
    /// block_size   bytes, a power of two up to a page
    Disk(std::uint32_t block_size, std::uint64_t block_count) : block_size_(block_size), block_count_(block_count) {}

    [[nodiscard]] std::uint32_t block_size() const override { return block_size_; }
    [[nodiscard]] std::uint64_t block_count() const override { return block_count_; }

    /// Into memory inside a buffer of the present session the driver reads directly; all else is copied.
    async::Task<Result<>> read(std::uint64_t first, std::uint64_t count, MutableBytes into) override;

    /// Pages of the present session's pool to read into and to supply page requests from. They must leave some free, so
    /// that reads which bounce get on while all these are held; nothing when there is no such room.
    [[nodiscard]] std::optional<Buffer> try_allocate(std::size_t pages);
    /// Waits until try_allocate may succeed: for pages to be given back, or for another session.
    async::Task<Result<>> wait_for_room();

    /// Replaces the session. What was under way in the former one is asked again in the new one.
    void attach(Ref<Session> session);
    /// The present session, null before the first.
    [[nodiscard]] Session* session() const { return session_.get(); }

private:
    static constexpr std::size_t bounce_pages = 16;    // that a read into other memory takes at a time, if it can
    static constexpr std::size_t reserved_pages = 32;  // for such reads

    async::Task<Result<>> read_bounced(std::uint64_t first, std::uint64_t count, MutableBytes into);
    async::Task<Result<Buffer>> allocate_bounce(std::size_t pages);
    [[nodiscard]] bool has_session() const { return session_ && !session_->has_ended(); }

    std::uint32_t block_size_;
    std::uint64_t block_count_;
    RefOrNull<Session> session_;
    async::WaitQueue attached_;
};

}  // namespace astrata::ext4_strate
