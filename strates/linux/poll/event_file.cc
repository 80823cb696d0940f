#include "strates/linux/poll/event_file.h"

namespace astrata::linux_abi {

LinuxResult<std::size_t> EventFile::read(IoBuffer& into, std::uint64_t&) {
    if (into.remaining() < sizeof(std::uint64_t))
        return fail(Errno::einval);
    std::uint64_t taken = 0;
    {
        Lock lock(mutex_);
        while (count_ == 0) {
            if (is_non_blocking())
                return fail(Errno::eagain);
            LTRY(wait(changed_, mutex_));
        }
        taken = is_semaphore_ ? 1 : count_;
        count_ -= taken;
        changed_.wake_all(poll_event::writable);
    }
    return into.copy_out(std::as_bytes(std::span(&taken, 1)));
}

LinuxResult<std::size_t> EventFile::write(IoBuffer& from, std::uint64_t&) {
    std::uint64_t added = 0;
    if (from.remaining() < sizeof(added))
        return fail(Errno::einval);
    LTRY(from.copy_in(std::as_writable_bytes(std::span(&added, 1))));
    if (added > maximum)
        return fail(Errno::einval);
    Lock lock(mutex_);
    while (added > maximum - count_) {
        if (is_non_blocking())
            return fail(Errno::eagain);
        LTRY(wait(changed_, mutex_));
    }
    count_ += added;
    if (added != 0)
        changed_.wake_all(poll_event::readable);
    return sizeof(added);
}

std::uint32_t EventFile::poll(PollTable* table) {
    if (table != nullptr)
        table->add(changed_);
    Lock lock(mutex_);
    return (count_ != 0 ? poll_event::readable : 0) | (count_ < maximum ? poll_event::writable : 0);
}

}  // namespace astrata::linux_abi
