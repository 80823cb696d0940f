// The short way of a message from a caller to a server that waits, and of the reply back to a caller that waits: no
// locks waited for, no allocation, no scheduler. Whatever is unusual is left to message_calls.cc, which does
// everything.
//
// Budget: a call and its reply between two processes, up to 64 bytes, 300 instructions in the kernel; measured by
// `./astrata bench`, metric ipc_round_trip_4_words.
#pragma once

#include <cstdint>

namespace astrata::kernel {

/// In what kind of message call a thread sleeps with nothing to come back to on its kernel stack: whoever hands it what
/// it waits for may send it straight to user mode. Such a thread waits without a deadline.
enum class ParkedIn : std::uint8_t { nothing, call, receive };

/// Switches the fast path on, in the form for one or several CPUs: once the boot CPU knows its features, and before a
/// second CPU starts. Never back: a CPU that goes offline may have threads to itself.
void choose_fast_path(bool has_several_processors);
/// Why all messages go the long way: the trace wants to see them, some silo's time is used up and every switch must ask, or
/// the machine's switch from thread to thread is made for one CPU, and there are more.
enum class FastPathCloser : std::uint8_t { trace, cpu_limits, several_processors };
/// Calls under way are not affected. From any context; one at a time for each closer.
void close_fast_path(FastPathCloser who, bool is_closed);

}  // namespace astrata::kernel
