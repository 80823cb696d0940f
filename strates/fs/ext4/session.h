// One session with a disk driver: the rings, the shared buffers, and the requests that are under way. It ends when the
// driver does; whoever still holds buffers of it keeps their memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "abi/block_types.h"
#include "abi/types.h"
#include "lib/async/task.h"
#include "lib/async/wait_queue.h"
#include "lib/base/bytes.h"
#include "lib/base/ref.h"
#include "lib/ring/ring.h"
#include "strates/fs/ext4/buffer_pool.h"

namespace astrata::ext4_strate {

/// What keeps a session's shared memory mapped, and rings the driver's doorbell. The strate's owns handles; a test's
/// plays the driver.
class SessionPeer {
public:
    virtual ~SessionPeer() = default;
    virtual void ring_doorbell() = 0;
    /// The memory object that the buffers are in; borrowed.
    [[nodiscard]] virtual abi::Handle buffers() const = 0;
};

class Session : public RefCounted<Session> {
public:
    /// rings, buffers   shared memory that `peer` keeps; `rings` is laid out for `entries` entries in each direction
    /// errors           no_memory, invalid_argument, out_of_range (the driver's numbers make no sense)
    static Result<Ref<Session>> create(std::unique_ptr<SessionPeer> peer, MutableBytes rings, MutableBytes buffers,
                                       std::uint32_t entries);
    static void destroy(Session* session) { delete session; }

    /// Reads disk blocks into the pool at `buffer_offset`.
    /// errors    peer_closed (the session ended first; ask again in the next one), and what the driver answers
    async::Task<Result<>> read(std::uint64_t first_block, std::uint32_t block_count, std::uint64_t buffer_offset);

    /// Takes what the driver has completed and resumes whoever waited for it.
    /// errors    corrupt (the driver broke the rings; the session is of no more use)
    [[nodiscard]] Result<> collect();

    /// Ends the session: everything under way fails with peer_closed.
    void end();
    [[nodiscard]] bool has_ended() const { return has_ended_; }

    [[nodiscard]] BufferPool& pool() { return pool_; }
    /// Woken when pages of the pool are given back, and when the session ends.
    [[nodiscard]] async::WaitQueue& room() { return room_; }
    [[nodiscard]] MutableBytes buffers() const { return buffers_; }
    [[nodiscard]] SessionPeer& peer() { return *peer_; }

private:
    static constexpr std::size_t slot_limit = 64;  // requests under way at a time

    // A request under way. It lies in the frame of the task that waits for it.
    struct Transfer {
        async::Completion<Result<>> done;
    };
    struct Slot {
        Transfer* transfer = nullptr;  // null: free
        std::uint32_t generation = 0;  // of its use, so that a late or repeated answer is recognised
    };
    using Submissions = ring::Producer<abi::BlockRequest>;
    using Completions = ring::Consumer<abi::BlockRequest>;

    Session(std::unique_ptr<SessionPeer> peer, MutableBytes buffers, Submissions submissions, Completions completions,
            std::size_t slot_count);

    Slot* free_slot();
    void complete(abi::BlockRequest const& answer);

    std::unique_ptr<SessionPeer> peer_;
    MutableBytes buffers_;
    Submissions submissions_;
    Completions completions_;
    BufferPool pool_;
    std::size_t slot_count_;
    std::array<Slot, slot_limit> slots_{};
    async::WaitQueue slot_freed_;
    async::WaitQueue room_;
    bool has_ended_ = false;
};

/// Pages of a session's pool, given back when this goes away.
class Buffer {
public:
    /// Nothing when the pool has no such run free.
    static std::optional<Buffer> allocate(Ref<Session> session, std::size_t pages) {
        auto const first = session->pool().allocate(pages);
        if (!first)
            return std::nullopt;
        return Buffer(std::move(session), *first, pages);
    }
    Buffer(Buffer&&) = default;
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(session_, other.session_);
        std::swap(first_, other.first_);
        std::swap(pages_, other.pages_);
        return *this;
    }
    ~Buffer();

    [[nodiscard]] Session& session() const { return *session_; }
    [[nodiscard]] std::uint64_t offset() const { return first_ * page_size; }
    [[nodiscard]] std::size_t pages() const { return pages_; }
    [[nodiscard]] MutableBytes bytes() const { return session_->buffers().subspan(offset(), pages_ * page_size); }

private:
    Buffer(Ref<Session> session, std::size_t first, std::size_t pages)
        : session_(std::move(session)), first_(first), pages_(pages) {}

    Ref<Session> session_;  // null after being moved from
    std::size_t first_;
    std::size_t pages_;
};

}  // namespace astrata::ext4_strate
