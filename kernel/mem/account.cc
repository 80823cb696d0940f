#include "kernel/mem/account.h"

#include <algorithm>
#include <array>
#include <new>

#include "kernel/mem/heap.h"
#include "kernel/sync/spin_lock.h"
#include "lib/base/units.h"

namespace astrata::kernel {

namespace {

// Ids index a table that grows by pages. A slot holds its account, or, while free, twice the next free id plus one.
class AccountTable {
public:
    Result<AccountId> add(Account& account) {
        LockGuard guard(lock_);
        if (first_free_ == 0 && !grow())
            return fail(chunk_count_ == chunk_limit ? Error::no_resources : Error::no_memory);
        auto const id = first_free_;
        auto& slot = slot_of(id);
        first_free_ = static_cast<AccountId>(slot.load(std::memory_order_relaxed) >> 1);
        slot.store(reinterpret_cast<std::uintptr_t>(&account), std::memory_order_release);
        return id;
    }
    void remove(AccountId id) {
        LockGuard guard(lock_);
        slot_of(id).store(std::uintptr_t{first_free_} << 1 | 1, std::memory_order_relaxed);
        first_free_ = id;
    }
    // Slots are read without the lock: chunks stay where they are, and a charge keeps the account in its slot.
    Account& find(AccountId id) { return *reinterpret_cast<Account*>(slot_of(id).load(std::memory_order_acquire)); }
    void reset() {
        LockGuard guard(lock_);
        chunk_count_ = 0;
        first_free_ = 0;
    }

private:
    static constexpr std::size_t chunk_size = 512;
    static constexpr std::size_t chunk_limit = 128;
    using Slot = std::atomic<std::uintptr_t>;
    using Chunk = std::array<Slot, chunk_size>;
    static_assert(sizeof(Chunk) == page_size && chunk_size * chunk_limit == std::size_t{1} << 16);

    Slot& slot_of(AccountId id) { return (*chunks_[id / chunk_size])[id % chunk_size]; }

    bool grow() REQUIRES(lock_) {
        if (chunk_count_ == chunk_limit)
            return false;
        void* const memory = mem::heap_allocate(sizeof(Chunk));
        if (memory == nullptr)
            return false;
        chunks_[chunk_count_] = new (memory) Chunk{};
        auto const first = chunk_count_++ * chunk_size;
        for (auto id = first + chunk_size; id-- > std::max<std::size_t>(first, 1);) {  // 0 is no account
            slot_of(static_cast<AccountId>(id)).store(std::uintptr_t{first_free_} << 1 | 1, std::memory_order_relaxed);
            first_free_ = static_cast<AccountId>(id);
        }
        return true;
    }

    SpinLock<LockRank::accounts, PreemptionOff> lock_;
    std::array<Chunk*, chunk_limit> chunks_{};
    std::size_t chunk_count_ GUARDED_BY(lock_) = 0;
    AccountId first_free_ GUARDED_BY(lock_) = 0;
};

AccountTable table;

std::uint64_t beside_reserve(std::uint64_t limit) {
    static constexpr std::uint64_t most = 1U << 20;
    return limit - std::min(limit / 16, most);
}

}  // namespace

Result<Ref<Account>> Account::create(Account* parent, std::uint64_t limit) {
    void* const memory = mem::heap_allocate(sizeof(Account));
    if (memory == nullptr)
        return fail(Error::no_memory);
    auto* const account =
        new (memory) Account(parent != nullptr ? RefOrNull<Account>(Ref<Account>::share(*parent)) : nullptr, limit);
    if (auto id = table.add(*account)) {
        account->id_ = *id;
        return Ref<Account>::adopt(*account);
    } else {
        account->~Account();
        mem::heap_free(memory, sizeof(Account));
        return fail(id.error());
    }
}

void Account::destroy(Account* account) {
    table.remove(account->id_);
    account->~Account();
    mem::heap_free(account, sizeof(Account));
}

void Account::reset_all() {
    table.reset();
}

Account& Account::of(AccountId id) {
    return table.find(id);
}

template <typename LimitOf>
Result<> Account::charge_within(std::uint64_t bytes, LimitOf limit_of) {
    if (bytes == 0)
        return {};
    for (auto* account = this; account != nullptr; account = account->parent_.get()) {
        auto const before = account->used_.fetch_add(bytes, std::memory_order_relaxed);
        // Whoever is in use stays alive: the first charge takes a reference, the return of the last drops it.
        if (before == 0)
            account->add_reference();
        auto const limit = limit_of(account->limit());
        if (bytes > limit || before > limit - bytes) [[unlikely]] {
            // What was refused does not count as use, not even in the peak.
            account->subtract(bytes, before);
            for (auto* charged = this; charged != account; charged = charged->parent_.get())
                charged->subtract(bytes, 0);
            return fail(Error::no_memory);
        }
    }
    return {};
}

Result<> Account::charge(std::uint64_t bytes) {
    return charge_within(bytes, [](std::uint64_t limit) { return limit; });
}

Result<> Account::charge_beside_reserve(std::uint64_t bytes) {
    return charge_within(bytes, beside_reserve);
}

Account const* Account::without_room_beside_reserve(std::uint64_t bytes) const {
    for (auto const* account = this; account != nullptr; account = account->parent_.get()) {
        auto const limit = beside_reserve(account->limit());
        if (bytes > limit || account->used() > limit - bytes)
            return account;
    }
    return nullptr;
}

// The peak is brought up to date when use falls, and when it is asked for: charging is the hot path.
void Account::subtract(std::uint64_t bytes, std::uint64_t peak) {
    auto seen = peak_.load(std::memory_order_relaxed);
    while (seen < peak && !peak_.compare_exchange_weak(seen, peak, std::memory_order_relaxed)) {
    }
    if (used_.fetch_sub(bytes, std::memory_order_acq_rel) == bytes)
        drop_reference();
}

void Account::uncharge(std::uint64_t bytes) {
    if (bytes == 0)
        return;
    // The account may end with its charge, but its parent, which is charged the same, does not before its own turn.
    for (auto* account = this; account != nullptr;) {
        auto* const parent = account->parent_.get();
        account->subtract(bytes, account->used());
        account = parent;
    }
}

}  // namespace astrata::kernel
