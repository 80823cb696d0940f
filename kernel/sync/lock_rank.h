// The order in which Bedrock's locks are taken: a thread that holds a lock may take only locks of higher rank. Debug
// builds check it on every acquisition.
#pragma once

#include <cstdint>

namespace astrata::kernel {

enum class LockRank : std::uint8_t {
    cpu_state,         ///< sleeping: which CPUs are online
    trace,             ///< what the trace rings record
    silo_tree,         ///< children of a silo, processes of a silo
    process,           ///< a process's thread list and life cycle
    space_mapping,     ///< sleeping: the mappings of an address space
    endpoint,          ///< queues of an endpoint; a message is delivered under it
    derivation,        ///< the derivation tree of one object's handles
    handle_table,      ///< the slots of one process
    paged_objects,     ///< the list of all memory objects that have a pager
    memory_object,     ///< the page tree of a memory object
    page_table,        ///< the page-table pages of an address space
    timer_object,      ///< one setting of a timer object at a time
    interrupt_table,   ///< which interrupt object has which vector
    waitable,          ///< signal state and waiters of a notification, timer, interrupt, process, silo
    wait_set,          ///< entries and waiters of a wait set
    cpu_limits,        ///< quotas and weights of all silos
    timer_queue,       ///< armed timers of one CPU
    run_queue,         ///< ready threads of one CPU
    mutex_queue,       ///< threads that sleep for a mutex
    accounts,          ///< which account has which id
    kernel_space,      ///< the kernel's own virtual ranges
    interrupt_routing, ///< the interrupt controllers' lines and vectors
    slab,              ///< one size class of the kernel heap
    frames,            ///< the frame allocator
    random,            ///< the random number generator
    registry,          ///< the list of all threads, of all processes
    reaper,            ///< threads that have ended
    log,               ///< the log ring
};

}  // namespace astrata::kernel
