// For code that has a shorter form when there is one CPU.
#pragma once

namespace astrata::kernel {

/// With one CPU nobody holds a spin lock while interrupts are off, since holders are not preempted, and no thread but
/// the current one is on a CPU.
enum class Processors { one, several };

template <Processors processors>
class FastPath;

}  // namespace astrata::kernel
