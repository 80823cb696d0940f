// Resource limits (getrlimit(2)).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "strates/linux/core/lock.h"

namespace astrata::linux_abi {

/// RLIMIT_*.
enum class LimitKind : std::uint8_t {
    cpu = 0,
    file_size = 1,
    data = 2,
    stack = 3,
    core = 4,
    resident = 5,
    processes = 6,
    open_files = 7,
    locked_memory = 8,
    address_space = 9,
    locks = 10,
    pending_signals = 11,
    message_queues = 12,
    nice = 13,
    real_time_priority = 14,
    real_time_us = 15,
};
inline constexpr std::size_t limit_count = 16;
inline constexpr std::uint64_t unlimited = ~std::uint64_t{0};

/// struct rlimit64.
struct Limit {
    std::uint64_t soft = unlimited;
    std::uint64_t hard = unlimited;
};

/// A process's limits. Copied by fork, kept by exec.
class Limits {
public:
    Limits();
    [[nodiscard]] Limit get(LimitKind kind) const;
    [[nodiscard]] std::uint64_t soft(LimitKind kind) const { return get(kind).soft; }
    void set(LimitKind kind, Limit limit);
    /// Whether files may only become so long: most processes may do what they want.
    [[nodiscard]] bool limits_file_size() const { return limits_file_size_.load(std::memory_order_relaxed); }
    void copy_from(Limits const& other);

private:
    mutable Mutex mutex_;
    std::array<Limit, limit_count> limits_ GUARDED_BY(mutex_);
    std::atomic<bool> limits_file_size_ = false;
};

}  // namespace astrata::linux_abi
