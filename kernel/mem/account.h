// Memory accounting: every page and kernel object is charged to the account of a silo, and to those above it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

#include "lib/base/ref.h"
#include "lib/base/result.h"

namespace astrata::kernel {

/// A small number for an account, kept with each page so that whoever frees it can return the charge to whoever paid.
using AccountId = std::uint16_t;

/// Bytes used against a limit, in a tree: a charge counts in the account and all its ancestors, or in none. An account
/// lives as long as something is charged to it, referenced or not.
class Account : public RefCounted<Account> {
public:
    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

    /// errors    no_memory, no_resources (64 Ki accounts exist)
    static Result<Ref<Account>> create(Account* parent, std::uint64_t limit);
    static void destroy(Account* account);
    /// The account with this id, which must have a charge that the caller is responsible for.
    static Account& of(AccountId id);
    /// Forgets all ids; for tests that set memory up anew.
    static void reset_all();

    /// errors    no_memory (the limit of this account or of an ancestor would be exceeded)
    [[nodiscard]] Result<> charge(std::uint64_t bytes);
    void uncharge(std::uint64_t bytes);
    /// The same, but leaving, here and above, what is kept for the silo's own personality: a sixteenth of the limit, at
    /// most 1 MiB.
    [[nodiscard]] Result<> charge_beside_reserve(std::uint64_t bytes);
    /// Whether that would succeed at this moment.
    [[nodiscard]] bool has_room_beside_reserve(std::uint64_t bytes) const {
        return without_room_beside_reserve(bytes) == nullptr;
    }
    /// The first of this account and those above it that would refuse; null if none.
    [[nodiscard]] Account const* without_room_beside_reserve(std::uint64_t bytes) const;
    /// Whether this is `other` or below it.
    [[nodiscard]] bool is_within(Account const& other) const {
        auto const* account = this;
        while (account != nullptr && account != &other)
            account = account->parent_.get();
        return account != nullptr;
    }

    [[nodiscard]] AccountId id() const { return id_; }
    [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t peak() const { return std::max(peak_.load(std::memory_order_relaxed), used()); }
    [[nodiscard]] std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
    void set_limit(std::uint64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }

    explicit Account(RefOrNull<Account> parent, std::uint64_t limit) : parent_(std::move(parent)), limit_(limit) {}

private:
    template <typename LimitOf>
    Result<> charge_within(std::uint64_t bytes, LimitOf limit_of);
    void subtract(std::uint64_t bytes, std::uint64_t peak);

    RefOrNull<Account> const parent_;
    std::atomic<std::uint64_t> used_ = 0;
    std::atomic<std::uint64_t> peak_ = 0;
    std::atomic<std::uint64_t> limit_;
    AccountId id_ = 0;
};

/// A charge that is returned unless it is kept.
class PendingCharge {
public:
    /// errors    no_memory
    [[nodiscard]] static Result<PendingCharge> make(Account& account, std::uint64_t bytes) {
        if (auto charged = account.charge(bytes); !charged)
            return fail(charged.error());
        return PendingCharge(account, bytes);
    }
    PendingCharge(PendingCharge&& other) noexcept
        : account_(std::exchange(other.account_, nullptr)), bytes_(other.bytes_) {}
    PendingCharge& operator=(PendingCharge&&) = delete;
    ~PendingCharge() {
        if (account_ != nullptr)
            account_->uncharge(bytes_);
    }
    /// What was charged is in use now; whoever ends the use uncharges.
    void keep() { account_ = nullptr; }

private:
    PendingCharge(Account& account, std::uint64_t bytes) : account_(&account), bytes_(bytes) {}
    Account* account_;
    std::uint64_t bytes_;
};

/// Collects what is to be uncharged, so that freeing many pages touches the accounts once.
class UnchargeBatch {
public:
    UnchargeBatch() = default;
    UnchargeBatch(UnchargeBatch const&) = delete;
    UnchargeBatch& operator=(UnchargeBatch const&) = delete;
    ~UnchargeBatch() { flush(); }
    /// 0 stands for nobody.
    void add(AccountId id, std::uint64_t bytes) {
        if (id != id_) {
            flush();
            id_ = id;
        }
        bytes_ += bytes;
    }
    void flush() {
        if (bytes_ != 0 && id_ != 0)
            Account::of(id_).uncharge(bytes_);
        bytes_ = 0;
    }

private:
    AccountId id_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace astrata::kernel
