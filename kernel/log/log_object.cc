#include "kernel/log/log_object.h"

#include "kernel/log/kernel_log.h"
#include "kernel/log/print.h"
#include "kernel/mem/heap.h"
#include "kernel/object/make_object.h"

namespace astrata::kernel {

Result<Ref<Log>> Log::create(Account& account, std::size_t capacity) {
    if (capacity == 0 || capacity > capacity_limit)
        return fail(Error::out_of_range);
    auto charge = TRY(PendingCharge::make(account, mem::heap_charge(capacity)));
    auto* memory = static_cast<char*>(mem::heap_allocate(capacity));
    if (memory == nullptr)
        return fail(Error::no_memory);
#pragma clang unsafe_buffer_usage begin   // the heap's memory becomes a span here
    std::span const storage(memory, capacity);
#pragma clang unsafe_buffer_usage end
    auto log = make_object<Log>(account, storage);
    if (log)
        charge.keep();
    else
        mem::heap_free(memory, capacity);
    return log;
}

Log::~Log() {
    if (storage_.empty())
        return;
    mem::heap_free(storage_.data(), storage_.size());
    account().uncharge(mem::heap_charge(storage_.size()));
}

void Log::append_line(std::string_view line) {
    if (storage_.empty()) {
        log_line(line);
        return;
    }
    LogTime const time;
    mirror_line(time.view(), line);
    LockGuard guard(lock_);
    ring_.append(time.view());
    ring_.append(line);
    ring_.append("\n");
}

LogRing::ReadResult Log::read(std::uint64_t position, std::span<char> into) {
    if (storage_.empty())
        return read_kernel_log(position, into);
    LockGuard guard(lock_);
    return ring_.read(position, into);
}

}  // namespace astrata::kernel
