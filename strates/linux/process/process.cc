#include "strates/linux/process/process.h"

#include "strates/linux/personality/job.h"
#include "strates/linux/time/process_timers.h"

namespace astrata::linux_abi {

Process::Process(ProcessId new_id, Ref<SignalActions> its_actions, Ref<ProcessGroup> its_group)
    : id(new_id), group(std::move(its_group)), actions(std::move(its_actions)) {}

Process::~Process() = default;

void Process::destroy(Process* process) {
    delete process->timers;
    delete process;
}

}  // namespace astrata::linux_abi
