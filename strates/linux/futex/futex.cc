#include "strates/linux/futex/futex.h"

#include <array>
#include <atomic>
#include <functional>

#include "strates/linux/core/lock.h"
#include "strates/linux/core/task.h"
#include "strates/linux/futex/futex_key.h"
#include "strates/linux/futex/wake_operation.h"
#include "strates/linux/memory/memory.h"

namespace astrata::linux_abi {
namespace {

using Key = FutexKey;

struct Bucket;

struct Sleeper {
    ListLink<Sleeper> link;
    Key key;
    std::uint32_t bits = 0;
    Task* task = nullptr;
    std::atomic<Bucket*> bucket = nullptr;  // changes by requeueing, with both buckets locked; null: woken
};

struct Bucket {
    Mutex mutex;
    IntrusiveList<Sleeper, &Sleeper::link> sleepers GUARDED_BY(mutex);
    std::atomic<std::uint32_t> count = 0;  // of sleepers; changed under the mutex, read without

    // Counted before the sleeper looks at its word: see is_empty.
    void add(Sleeper& sleeper) REQUIRES(mutex) {
        count.fetch_add(1, std::memory_order_seq_cst);
        sleeper.bucket.store(this, std::memory_order_release);
        sleepers.push_back(sleeper);
    }
    void remove(Sleeper& sleeper) REQUIRES(mutex) {
        sleepers.remove(sleeper);
        count.fetch_sub(1, std::memory_order_relaxed);
    }
    /// Whether nobody sleeps here. A waker has changed the word before it looks here, a sleeper counts itself before it
    /// looks at the word, and both order the two: one of them sees the other.
    [[nodiscard]] bool is_empty() const {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return count.load(std::memory_order_relaxed) == 0;
    }
};

constinit std::array<Bucket, 128> buckets;

Bucket& bucket_of(Key const& key) {
    auto hash = (key.offset >> 2) * 0x9e37'79b9'7f4a'7c15 ^ key.space * 0xc2b2'ae3d'27d4'eb4f;
    return buckets[(hash >> 32) % buckets.size()];
}

// The sleeper must not be touched afterwards: it lives on its own thread's stack.
void wake_locked(Bucket& bucket, Sleeper& sleeper) REQUIRES(bucket.mutex) {
    bucket.remove(sleeper);
    auto task = Ref<Task>::share(*sleeper.task);
    sleeper.bucket.store(nullptr, std::memory_order_release);
    task->parker.unpark();
}

std::uint32_t wake_in_bucket(Bucket& bucket, Key const& key, std::uint32_t count, std::uint32_t bits)
    REQUIRES(bucket.mutex) {
    std::uint32_t woken = 0;
    for (auto* sleeper = bucket.sleepers.front(); sleeper != nullptr && woken < count;) {
        auto* next = bucket.sleepers.next(*sleeper);
        if (sleeper->key == key && (sleeper->bits & bits) != 0) {
            wake_locked(bucket, *sleeper);
            ++woken;
        }
        sleeper = next;
    }
    return woken;
}

// Takes the sleeper off whatever bucket it is in. False if it was woken.
bool withdraw(Sleeper& sleeper) {
    for (;;) {
        auto* bucket = sleeper.bucket.load(std::memory_order_acquire);
        if (bucket == nullptr)
            return false;
        Lock lock(bucket->mutex);
        if (sleeper.bucket.load(std::memory_order_relaxed) != bucket)
            continue;  // moved meanwhile
        bucket->remove(sleeper);
        sleeper.bucket.store(nullptr, std::memory_order_relaxed);
        return true;
    }
}

// Both buckets, in the order of their addresses; they may be one.
class TwoBuckets {
public:
    // The analysis cannot follow a lock that is taken once or twice: all uses are within this file's two callers, which
    // keep to the object's lifetime.
    TwoBuckets(Bucket& one, Bucket& other) NO_THREAD_SAFETY_ANALYSIS
        : first_(std::less<>()(&one, &other) ? one : other),
          second_(&one == &other ? nullptr : &(std::less<>()(&one, &other) ? other : one)) {
        first_.mutex.lock();
        if (second_ != nullptr)
            second_->mutex.lock();
    }
    ~TwoBuckets() NO_THREAD_SAFETY_ANALYSIS {
        if (second_ != nullptr)
            second_->mutex.unlock();
        first_.mutex.unlock();
    }
    TwoBuckets(TwoBuckets const&) = delete;
    TwoBuckets& operator=(TwoBuckets const&) = delete;

private:
    Bucket& first_;
    Bucket* second_;
};

}  // namespace

namespace {

[[gnu::always_inline]] inline bool is_word(GuestAddress word) {
    return word.value % 4 == 0 && is_guest_range(word, 4);
}

[[gnu::always_inline]] inline Key private_key(GuestAddress word) {
    return {reinterpret_cast<std::uint64_t>(&current_task().memory()), word.value};
}

[[gnu::noinline]] LinuxResult<std::uint64_t> wake_sleepers(Key key, std::uint32_t count, std::uint32_t bits) {
    auto& bucket = bucket_of(key);
    Lock lock(bucket.mutex);
    return wake_in_bucket(bucket, key, count, bits);
}

[[gnu::noinline]] LinuxResult<std::uint64_t> wake_shared(GuestAddress word, std::uint32_t count, std::uint32_t bits) {
    if (bits == 0)
        return fail(Errno::einval);
    auto const key = LTRY(futex_key(word, false));
    return bucket_of(key).is_empty() ? LinuxResult<std::uint64_t>(0) : wake_sleepers(key, count, bits);
}

}  // namespace

LinuxResult<FutexKey> futex_key(GuestAddress word, bool is_private) {
    if (word.value % 4 != 0)
        return fail(Errno::einval);
    if (!is_guest_range(word, 4))
        return fail(Errno::efault);
    auto& memory = current_task().memory();
    if (!is_private) {
        auto place = LTRY(memory.shared_place(word));
        if (place.object != 0)
            return FutexKey{place.object, place.offset};
    }
    return private_key(word);
}

LinuxResult<> wait_futex(GuestAddress word, std::uint32_t expected, std::uint32_t bits, bool is_private,
                         MonotonicNs deadline) {
    if (bits == 0)
        return fail(Errno::einval);
    Sleeper sleeper;
    sleeper.key = LTRY(futex_key(word, is_private));
    sleeper.bits = bits;
    sleeper.task = &current_task();
    auto& bucket = bucket_of(sleeper.key);
    {
        Lock lock(bucket.mutex);
        bucket.add(sleeper);
        auto const found = load_guest_word(word);
        if (!found.has_value() || *found != expected) {
            bucket.remove(sleeper);
            return fail(found.has_value() ? Errno::eagain : found.error());
        }
    }
    for (;;) {
        auto slept = sleep_task(deadline);
        if (sleeper.bucket.load(std::memory_order_acquire) == nullptr)
            return {};
        if (!slept.has_value())
            return withdraw(sleeper) ? slept : LinuxResult<>();
    }
}

// Budget without a sleeper, the whole system call: 185 instructions (futex_wake_none). What comes after the look has functions of
// its own, so that the look needs no stack.
LinuxResult<std::uint64_t> wake_futex(GuestAddress word, std::uint32_t count, std::uint32_t bits, bool may_be_shared) {
    if (may_be_shared) [[unlikely]]
        return wake_shared(word, count, bits);
    if (bits == 0 || !is_word(word)) [[unlikely]]
        return fail(bits == 0 || word.value % 4 != 0 ? Errno::einval : Errno::efault);
    auto const key = private_key(word);
    if (bucket_of(key).is_empty())
        return 0;
    return wake_sleepers(key, count, bits);
}

LinuxResult<std::uint32_t> requeue_futex(GuestAddress word, GuestAddress target, std::uint32_t wake_count,
                                         std::uint32_t move_count, std::uint32_t const* expected,
                                         bool is_private) NO_THREAD_SAFETY_ANALYSIS {  // see TwoBuckets
    auto from_key = LTRY(futex_key(word, is_private));
    auto to_key = LTRY(futex_key(target, is_private));
    auto& from = bucket_of(from_key);
    auto& to = bucket_of(to_key);
    TwoBuckets locked(from, to);
    if (expected != nullptr && LTRY(load_guest_word(word)) != *expected)
        return fail(Errno::eagain);
    auto woken = wake_in_bucket(from, from_key, wake_count, ~0u);
    std::uint32_t moved = 0;
    if (from_key == to_key)
        return woken;
    for (auto* sleeper = from.sleepers.front(); sleeper != nullptr && moved < move_count;) {
        auto* next = from.sleepers.next(*sleeper);
        if (sleeper->key == from_key) {
            from.remove(*sleeper);
            sleeper->key = to_key;
            to.add(*sleeper);
            ++moved;
        }
        // When both keys share a bucket, what was moved lies at its end with another key: the walk ends all the same.
        sleeper = next;
    }
    return woken + moved;
}

LinuxResult<std::uint32_t> wake_and_change_futex(GuestAddress word, GuestAddress target, std::uint32_t wake_count,
                                                 std::uint32_t target_wake_count, std::uint32_t operation,
                                                 bool is_private) NO_THREAD_SAFETY_ANALYSIS {  // see TwoBuckets
    auto decoded = LTRY(WakeOperation::decode(operation));
    auto key = LTRY(futex_key(word, is_private));
    auto target_key = LTRY(futex_key(target, is_private));
    auto& bucket = bucket_of(key);
    auto& target_bucket = bucket_of(target_key);
    TwoBuckets locked(bucket, target_bucket);
    auto old = LTRY(load_guest_word(target));
    for (;;) {
        auto was = LTRY(compare_exchange_guest_word(target, old, decoded.apply(old)));
        if (was == old)
            break;
        old = was;
    }
    auto woken = wake_in_bucket(bucket, key, wake_count, ~0u);
    if (decoded.is_met_by(old))
        woken += wake_in_bucket(target_bucket, target_key, target_wake_count, ~0u);
    return woken;
}

}  // namespace astrata::linux_abi
