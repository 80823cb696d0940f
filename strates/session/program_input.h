// The Stream that the program reads: the input port until the host says that the input has ended. With a terminal it is
// the other direction too.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "abi/stream.h"
#include "sdk/event_loop.h"
#include "sdk/sync.h"
#include "strates/session/control_protocol.h"
#include "strates/session/input_queue.h"

namespace astrata::session {

/// Two threads: one reads ahead from the port, one serves the program, so that the end of the input gets through while
/// the port is silent.
class ProgramInput final : public abi::StreamServer, public sdk::SignalHandler {
public:
    /// Starts the threads; the object lives as long as the process. `output` is borrowed: where a terminal's output
    /// goes, or nowhere (0) without a terminal.
    /// errors    no_memory, no_resources
    [[nodiscard]] static Result<ProgramInput*> create(sdk::UniqueHandle port, abi::Handle output, TerminalSize size);

    /// The endpoint for the program; borrowed.
    [[nodiscard]] abi::Handle endpoint() const { return endpoint_.get(); }

    void close_after(std::uint64_t total) EXCLUDES(mutex_);
    void resize(TerminalSize size) EXCLUDES(mutex_);
    /// Bytes that went to the terminal.
    [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }

private:
    struct Reader {
        ReadResponder responder;
        std::size_t limit = 0;
    };

    static void pump(void* input);
    static void serve(void* input);
    void read_port();

    void read(sdk::Caller const& caller, ReadRequest const& request, ReadResponder responder) override;
    void write(sdk::Caller const& caller, WriteRequest const& request, WriteResponder responder) override;
    void unread(sdk::Caller const& caller, UnreadRequest const& request, UnreadResponder responder) override;
    void size(sdk::Caller const& caller, SizeRequest const& request, SizeResponder responder) override;
    void on_signal(std::uint64_t bits) override;
    void answer() REQUIRES(mutex_);

    sdk::UniqueHandle port_;
    abi::Handle output_ = 0;
    sdk::UniqueHandle endpoint_;
    sdk::UniqueHandle changed_;  // notification: bytes or the end have come
    std::optional<sdk::EventLoop> loop_;
    std::atomic<std::uint64_t> written_ = 0;
    sdk::Mutex mutex_;
    sdk::ConditionVariable has_room_;
    InputQueue queue_ GUARDED_BY(mutex_);
    TerminalSize size_ GUARDED_BY(mutex_);
    // Reads that wait, oldest first; several processes may share the input.
    static constexpr std::size_t reader_limit = 16;
    std::array<std::optional<Reader>, reader_limit> readers_ GUARDED_BY(mutex_);
    std::size_t reader_count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace astrata::session
