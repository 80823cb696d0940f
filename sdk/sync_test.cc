// The locks over host threads: notifications are condition variables of the host's.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "abi/vdso_unsupported.h"
#include "sdk/sync.h"

namespace astrata::sdk {
namespace {

struct Notifications {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::uint64_t, std::uint64_t> bits;
    std::uint64_t next = 0;
};
Notifications notifications;

std::uint64_t now() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

struct Sync : testing::Test {
    Sync() {
        astrata_vdso.clock_now = now;
        astrata_vdso.thread_yield = []() -> std::uint64_t {
            std::this_thread::yield();
            return 0;
        };
        astrata_vdso.notification_create = [](std::uint64_t* made) -> std::uint64_t {
            std::lock_guard lock(notifications.mutex);
            *made = ++notifications.next;
            notifications.bits[*made] = 0;
            return 0;
        };
        astrata_vdso.notification_signal = [](std::uint64_t handle, std::uint64_t bits) -> std::uint64_t {
            std::lock_guard lock(notifications.mutex);
            notifications.bits[handle] |= bits;
            notifications.changed.notify_all();
            return 0;
        };
        astrata_vdso.object_wait = [](std::uint64_t handle, std::uint64_t deadline,
                                      std::uint64_t* bits) -> std::uint64_t {
            std::unique_lock lock(notifications.mutex);
            auto const signalled = [&] { return notifications.bits[handle] != 0; };
            if (deadline == never.value)
                notifications.changed.wait(lock, signalled);
            else if (!notifications.changed.wait_for(
                         lock, std::chrono::nanoseconds(deadline - std::min(deadline, now())), signalled))
                return static_cast<std::uint64_t>(Error::timed_out);
            *bits = std::exchange(notifications.bits[handle], 0);
            return 0;
        };
    }
    ~Sync() override { astrata_vdso = unsupported_vdso_table; }
};

TEST_F(Sync, mutex_excludes) {
    Mutex mutex;
    std::uint64_t counter = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i != 4; ++i) {
        threads.emplace_back([&] {
            for (int step = 0; step != 5000; ++step) {
                MutexLock lock(mutex);
                auto const seen = counter;
                if (step % 64 == 0)
                    std::this_thread::yield();
                counter = seen + 1;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(counter, 20000u);
    bool const was_free = mutex.try_lock();
    EXPECT_TRUE(was_free);
    if (was_free)
        mutex.unlock();
}

TEST_F(Sync, condition_variable_hands_over) {
    Mutex mutex;
    ConditionVariable changed;
    int turn = 0;
    constexpr int rounds = 500;
    std::vector<std::thread> threads;
    for (int i = 0; i != 3; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round != rounds; ++round) {
                MutexLock lock(mutex);
                while (turn != i)
                    changed.wait(mutex);
                turn = (turn + 1) % 3;
                changed.notify_all();
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(turn, 0);
}

TEST_F(Sync, condition_variable_keeps_its_deadline) {
    Mutex mutex;
    ConditionVariable nothing;
    MutexLock lock(mutex);
    EXPECT_FALSE(nothing.wait(mutex, MonotonicNs{now()} + 2'000'000));
    // Its place in the queue is given up: a later notification finds nobody.
    nothing.notify_one();
}

}  // namespace
}  // namespace astrata::sdk
