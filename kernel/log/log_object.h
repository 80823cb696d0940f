// Logs that user space can hold: a strate's own, and Bedrock's.
#pragma once

#include <span>
#include <string_view>

#include "kernel/log/log_ring.h"
#include "kernel/object/object.h"

namespace astrata::kernel {

class Log final : public KernelObject {
public:
    static constexpr std::size_t capacity_limit = 1U << 20;

    /// The kernel's own log.
    explicit Log(Ref<Account> account) : KernelObject(abi::ObjectKind::log, std::move(account)), ring_({}) {}
    /// errors    no_memory, out_of_range
    static Result<Ref<Log>> create(Account& account, std::size_t capacity);
    explicit Log(Ref<Account> account, std::span<char> storage)
        : KernelObject(abi::ObjectKind::log, std::move(account)), storage_(storage), ring_(storage) {}
    ~Log() override;

    void append_line(std::string_view line);
    LogRing::ReadResult read(std::uint64_t position, std::span<char> into);

private:
    std::span<char> const storage_;
    SpinLock<LockRank::log, IrqsOff> lock_;
    LogRing ring_ GUARDED_BY(lock_);
};

}  // namespace astrata::kernel
