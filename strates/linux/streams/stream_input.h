// Bytes coming in from a Stream endpoint, fetched by a thread of our own.
//
// A thread, because a program that waits must see signals, and a read that was given up half-way could lose bytes. It
// asks for bytes only when somebody wants some, and gives back what nobody took: the stream has other users before and
// after.
#pragma once

#include <array>
#include <cstddef>

#include "lib/base/bytes.h"
#include "lib/base/ref.h"
#include "sdk/handle.h"
#include "sdk/sync.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/streams/stream_retry.h"

namespace astrata::linux_abi {

/// Takes what the thread has fetched. Called on that thread, without locks.
class StreamConsumer {
public:
    /// Bytes; all are taken over.
    virtual void take(Bytes bytes) = 0;
    /// The other side has closed the stream.
    virtual void end() = 0;

protected:
    ~StreamConsumer() = default;
};

class StreamInput : public RefCounted<StreamInput> {
public:
    static void destroy(StreamInput* input) { delete input; }
    /// consumer    must outlive the input's use: until close() has returned
    static LinuxResult<Ref<StreamInput>> create(sdk::UniqueHandle endpoint, StreamConsumer& consumer);

    /// `once`: fetches one piece; else goes on fetching until pause().
    /// errors    enomem, eagain (no thread)
    LinuxResult<> want(bool once);
    /// No more calls to the consumer once this returns, until the next want(). The read under way has been called back,
    /// so that the stream's next reader finds everything that the consumer has not taken.
    void pause() EXCLUDES(mutex_);
    /// The same for good; the thread ends.
    void close() EXCLUDES(mutex_);
    /// Puts bytes back in front of the stream.
    void give_back(Bytes bytes);

private:
    enum class Demand : std::uint8_t { none, once, always };
    StreamInput(sdk::UniqueHandle endpoint, StreamConsumer& consumer)
        : endpoint_(std::move(endpoint)), consumer_(&consumer) {}
    ~StreamInput() = default;
    friend class RefCounted<StreamInput>;
    static void thread_main(void* input);
    void run();
    bool wait_for_demand() EXCLUDES(mutex_);
    void deliver(Bytes bytes) EXCLUDES(mutex_);
    void pause_after_cancellation() EXCLUDES(mutex_);
    void call_back() REQUIRES(mutex_);

    sdk::UniqueHandle const endpoint_;
    sdk::Mutex mutex_;
    sdk::ConditionVariable changed_;
    StreamConsumer* consumer_ GUARDED_BY(mutex_);  // null once closed
    Demand demand_ GUARDED_BY(mutex_) = Demand::none;
    bool has_thread_ GUARDED_BY(mutex_) = false;
    bool is_reading_ GUARDED_BY(mutex_) = false;  // the thread waits for the stream, or deals with what that brought
    bool is_delivering_ GUARDED_BY(mutex_) = false;
    bool has_ended_ GUARDED_BY(mutex_) = false;
};

}  // namespace astrata::linux_abi
