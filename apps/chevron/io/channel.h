// What a command reads from or writes to, shared by counted reference: console, pipe end, file, nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/ref.h"
#include "lib/base/result.h"

namespace astrata::chevron {

/// Who wants to know that a try_read or try_write that would have waited may succeed now. Called from any thread.
class Waker {
public:
    virtual ~Waker() = default;
    virtual void wake() = 0;
};

class Channel : public RefCounted<Channel> {
public:
    virtual ~Channel() = default;
    static void destroy(Channel* channel) { delete channel; }

    /// Waits for at least one byte; 0 at the end.
    /// errors    not_supported (not for reading), interrupted (the user wants the command to stop), and what the source
    /// fails with
    virtual Result<std::size_t> read(MutableBytes) { return fail(Error::not_supported); }
    /// Waits until everything is taken.
    /// errors    peer_closed (nobody will ever read it), not_supported, and what the target fails with
    virtual Result<> write(Bytes) { return fail(Error::not_supported); }

    /// As read and write, but would_block instead of waiting for another command of the pipeline; a write may be short.
    virtual Result<std::size_t> try_read(MutableBytes into) { return read(into); }
    virtual Result<std::size_t> try_write(Bytes bytes) {
        TRY(write(bytes));
        return bytes.size();
    }
    /// Where would_block is followed up. The waker outlives the channel.
    virtual void set_waker(Waker*) {}

    [[nodiscard]] virtual bool is_console() const { return false; }
};

/// Reads as empty, takes everything: /dev/null.
class NullChannel final : public Channel {
public:
    Result<std::size_t> read(MutableBytes) override { return 0; }
    Result<> write(Bytes) override { return {}; }
};

/// What the user wants of what runs: to end, by which signal, or to take a signal on its way. Shared by everything that
/// one command line started.
class Cancellation : public RefCounted<Cancellation> {
public:
    static void destroy(Cancellation* cancellation) { delete cancellation; }
    /// Everything is to end; programs are told by the signal.
    void request(std::uint32_t signal = interrupt) {
        signal_.store(signal, std::memory_order_relaxed);
        is_requested_.store(true, std::memory_order_release);
    }
    [[nodiscard]] bool is_requested() const { return is_requested_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint32_t signal() const { return signal_.load(std::memory_order_relaxed); }

    /// A signal for the programs that run in the background now, which need not end by it. One is kept: a later one
    /// takes its place.
    void post(std::uint32_t signal) { posted_.store(signal, std::memory_order_release); }
    [[nodiscard]] bool has_posted() const { return posted_.load(std::memory_order_acquire) != 0; }
    [[nodiscard]] std::uint32_t take_posted() { return posted_.exchange(0, std::memory_order_acquire); }

    /// Whether what runs in the background has been stopped by a signal, and none has come since.
    void set_stopped(bool is_stopped) { is_stopped_.store(is_stopped, std::memory_order_release); }
    [[nodiscard]] bool is_stopped() const { return is_stopped_.load(std::memory_order_acquire) && !has_posted(); }

private:
    static constexpr std::uint32_t interrupt = 2;  // SIGINT

    std::atomic<bool> is_requested_ = false;
    std::atomic<bool> is_stopped_ = false;
    std::atomic<std::uint32_t> signal_ = interrupt;
    std::atomic<std::uint32_t> posted_ = 0;
};

/// Standard input, output and error of a command.
struct Streams {
    Ref<Channel> input;
    Ref<Channel> output;
    Ref<Channel> error;
};

}  // namespace astrata::chevron
