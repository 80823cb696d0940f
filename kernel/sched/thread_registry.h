// All threads and processes, for listings (process_list, thread_list).
#pragma once

#include <cstdint>

#include "lib/base/ref.h"

namespace astrata::kernel {

class Process;
class Thread;

void register_thread(Thread& thread);
void unregister_thread(Thread& thread);
/// The thread with the smallest id above `id`; nothing if there is none.
[[nodiscard]] RefOrNull<Thread> next_thread(std::uint64_t id);

void register_process(Process& process);
void unregister_process(Process& process);
[[nodiscard]] RefOrNull<Process> next_process(std::uint64_t id);

}  // namespace astrata::kernel
