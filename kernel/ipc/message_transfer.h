// Moving a message from one thread to another: words, buffer, handles.
#pragma once

#include <cstdint>

#include "abi/message.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class Thread;

/// Delivers sender.outgoing into receiver.frame: the receiver is stopped in a receiving system call, the sender in its call. Handles
/// move all or none; a reply handle is made in the receiver's table.
/// errors    bad_handle, access_denied (a handle in the message), no_memory, no_resources (receiver's table), interrupted (the
/// sender's wait has ended, whatever ended it)
[[nodiscard]] Result<> deliver_call(Thread& sender, Thread& receiver, std::uint64_t key);

/// Delivers a reply from the replier's frame into that of the caller, which was claimed and is still asleep.
/// errors    as above; the caller then gets the same error
[[nodiscard]] Result<> deliver_reply(Thread& replier, abi::MessageInfo info, Thread& caller);

/// Puts the news that a wait-set source was signalled into the receiver's frame.
void deliver_signal(Thread& receiver, std::uint64_t bits, std::uint64_t key);

}  // namespace astrata::kernel
