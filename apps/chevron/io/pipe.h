// A bounded pipe between two commands of a pipeline, each on its own thread or behind the stream hub.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "apps/chevron/io/channel.h"
#include "apps/chevron/lock.h"
#include "apps/chevron/memory.h"

namespace astrata::chevron {

class Pipe : public RefCounted<Pipe> {
public:
    static constexpr std::size_t capacity = std::size_t{16} * 1024;

    struct Ends;
    /// A pipe; each end closes when its last reference goes.
    /// errors    no_memory
    [[nodiscard]] static Result<Ends> create();
    static void destroy(Pipe* pipe) { delete pipe; }

    [[nodiscard]] Result<std::size_t> read(MutableBytes into, bool may_wait) EXCLUDES(mutex_);
    [[nodiscard]] Result<std::size_t> write(Bytes bytes, bool may_wait) EXCLUDES(mutex_);
    void close_reader() EXCLUDES(mutex_);
    void close_writer() EXCLUDES(mutex_);
    void set_waker(Waker* waker) EXCLUDES(mutex_);
    /// Whether a reader found the pipe empty and has not come back since.
    [[nodiscard]] bool is_wanted() EXCLUDES(mutex_);

private:
    void changed() REQUIRES(mutex_);

    Mutex mutex_;
    Condition condition_;
    std::array<std::byte, capacity> buffer_ GUARDED_BY(mutex_);
    std::size_t first_ GUARDED_BY(mutex_) = 0;  // of the bytes not yet read, in the ring
    std::size_t used_ GUARDED_BY(mutex_) = 0;
    bool has_reader_ GUARDED_BY(mutex_) = true;
    bool has_writer_ GUARDED_BY(mutex_) = true;
    bool is_wanted_ GUARDED_BY(mutex_) = false;
    Waker* waker_ GUARDED_BY(mutex_) = nullptr;
};

class PipeReader final : public Channel {
public:
    explicit PipeReader(Ref<Pipe> pipe) : pipe_(std::move(pipe)) {}
    ~PipeReader() override { pipe_->close_reader(); }
    Result<std::size_t> read(MutableBytes into) override { return pipe_->read(into, true); }
    Result<std::size_t> try_read(MutableBytes into) override { return pipe_->read(into, false); }
    void set_waker(Waker* waker) override { pipe_->set_waker(waker); }
    [[nodiscard]] Pipe& pipe() const { return *pipe_; }

private:
    Ref<Pipe> pipe_;
};

class PipeWriter final : public Channel {
public:
    explicit PipeWriter(Ref<Pipe> pipe) : pipe_(std::move(pipe)) {}
    ~PipeWriter() override { pipe_->close_writer(); }
    Result<> write(Bytes bytes) override;
    Result<std::size_t> try_write(Bytes bytes) override { return pipe_->write(bytes, false); }
    void set_waker(Waker* waker) override { pipe_->set_waker(waker); }
    [[nodiscard]] Pipe& pipe() const { return *pipe_; }

private:
    Ref<Pipe> pipe_;
};

struct Pipe::Ends {
    Ref<Channel> reader;
    Ref<Channel> writer;
    Ref<Pipe> pipe;
};

}  // namespace astrata::chevron
