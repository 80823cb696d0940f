// Memory accounting: every page and kernel object is charged to the account of a silo, and to those above it.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "lib/base/ref.h"
#include "lib/base/result.h"

namespace astrata::kernel {

/// Bytes used against a limit, in a tree: a charge counts in the account and all its ancestors, or in none.
class Account : public RefCounted<Account> {
public:
    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

    /// errors    no_memory
    static Result<Ref<Account>> create(Account* parent, std::uint64_t limit);
    static void destroy(Account* account);

    /// errors    no_memory (the limit of this account or of an ancestor would be exceeded)
    [[nodiscard]] Result<> charge(std::uint64_t bytes);
    void uncharge(std::uint64_t bytes);

    [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
    void set_limit(std::uint64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }

    explicit Account(RefOrNull<Account> parent, std::uint64_t limit) : parent_(std::move(parent)), limit_(limit) {}

private:
    RefOrNull<Account> const parent_;
    std::atomic<std::uint64_t> used_ = 0;
    std::atomic<std::uint64_t> peak_ = 0;
    std::atomic<std::uint64_t> limit_;
};

}  // namespace astrata::kernel
