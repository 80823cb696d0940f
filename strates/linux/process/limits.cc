#include "strates/linux/process/limits.h"

namespace astrata::linux_abi {

// The values that Linux gives its first process, except open_files' hard limit, which distributions raise to this.
Limits::Limits() {
    limits_[static_cast<std::size_t>(LimitKind::stack)] = {8 << 20, unlimited};
    limits_[static_cast<std::size_t>(LimitKind::core)] = {0, unlimited};
    limits_[static_cast<std::size_t>(LimitKind::processes)] = {32768, 32768};
    limits_[static_cast<std::size_t>(LimitKind::open_files)] = {1024, 1 << 20};
    limits_[static_cast<std::size_t>(LimitKind::locked_memory)] = {8 << 20, 8 << 20};
    limits_[static_cast<std::size_t>(LimitKind::pending_signals)] = {32768, 32768};
    limits_[static_cast<std::size_t>(LimitKind::message_queues)] = {819200, 819200};
    limits_[static_cast<std::size_t>(LimitKind::nice)] = {0, 0};
    limits_[static_cast<std::size_t>(LimitKind::real_time_priority)] = {0, 0};
}

Limit Limits::get(LimitKind kind) const {
    Lock lock(mutex_);
    return limits_[static_cast<std::size_t>(kind)];
}

void Limits::set(LimitKind kind, Limit limit) {
    Lock lock(mutex_);
    limits_[static_cast<std::size_t>(kind)] = limit;
    if (kind == LimitKind::file_size)
        limits_file_size_.store(limit.soft != unlimited, std::memory_order_relaxed);
}

void Limits::copy_from(Limits const& other) {
    std::array<Limit, limit_count> copy;
    {
        Lock lock(other.mutex_);
        copy = other.limits_;
    }
    Lock lock(mutex_);
    limits_ = copy;
    limits_file_size_.store(copy[static_cast<std::size_t>(LimitKind::file_size)].soft != unlimited,
                            std::memory_order_relaxed);
}

}  // namespace astrata::linux_abi
