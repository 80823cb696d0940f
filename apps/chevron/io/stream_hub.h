// Serves channels as Stream endpoints, so that Linux programs read from and write to what the shell set up for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "abi/stream.h"
#include "apps/chevron/io/channel.h"
#include "apps/chevron/lock.h"
#include "sdk/event_loop.h"

namespace astrata::chevron {

class StreamHub;

/// A channel on offer. Ends with the object: the channel is let go and later requests fail with peer_closed.
class Attachment {
public:
    Attachment() = default;
    Attachment(StreamHub& hub, std::size_t slot, sdk::UniqueHandle endpoint)
        : hub_(&hub), slot_(slot), endpoint_(std::move(endpoint)) {}
    Attachment(Attachment&& other) noexcept
        : hub_(std::exchange(other.hub_, nullptr)), slot_(other.slot_), endpoint_(std::move(other.endpoint_)) {}
    Attachment& operator=(Attachment&& other) noexcept;
    ~Attachment() { detach(); }

    void detach();
    [[nodiscard]] abi::Handle endpoint() const { return endpoint_.get(); }

private:
    StreamHub* hub_ = nullptr;
    std::size_t slot_ = 0;
    sdk::UniqueHandle endpoint_;
};

/// One endpoint and one thread for all; the badge of the handle that a program got says which channel it means.
class StreamHub final : public abi::StreamServer, public Waker, public sdk::SignalHandler {
public:
    static constexpr std::size_t slot_limit = 48;

    /// Starts the thread; the hub lives as long as the process.
    /// errors    no_memory, no_resources
    [[nodiscard]] static Result<StreamHub*> create();

    /// errors    no_resources (too many at once)
    [[nodiscard]] Result<Attachment> attach(Ref<Channel> channel) EXCLUDES(mutex_);

    void wake() override;

private:
    friend class Attachment;

    struct PendingRead {
        ReadResponder responder;
        std::size_t limit = 0;
    };
    struct PendingWrite {
        WriteResponder responder;
        std::array<std::byte, 4000> bytes;
        std::size_t size = 0;
        std::size_t done = 0;
    };
    struct Slot {
        RefOrNull<Channel> channel;
        std::uint32_t serial = 0;  // tells this use of the slot from the ones before
        bool is_detaching = false;
        std::optional<PendingRead> read;
        std::optional<PendingWrite> write;
    };

    static void run(void* hub);
    void detach(std::size_t slot) EXCLUDES(mutex_);

    void read(sdk::Caller const& caller, ReadRequest const& request, ReadResponder responder) override;
    void write(sdk::Caller const& caller, WriteRequest const& request, WriteResponder responder) override;
    void unread(sdk::Caller const& caller, UnreadRequest const& request, UnreadResponder responder) override;
    void size(sdk::Caller const& caller, SizeRequest const& request, SizeResponder responder) override;
    void on_signal(std::uint64_t bits) override;

    /// Null when the caller's channel has been detached.
    Slot* slot_of(sdk::Caller const& caller) REQUIRES(mutex_);
    static void try_read(Slot& slot);
    static void try_write(Slot& slot);

    sdk::UniqueHandle endpoint_;  // to make handles with badges from
    sdk::UniqueHandle changed_;   // notification: something may go on now
    std::optional<sdk::EventLoop> loop_;
    Mutex mutex_;
    std::array<Slot, slot_limit> slots_ GUARDED_BY(mutex_);
};

}  // namespace astrata::chevron
