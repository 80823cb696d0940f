// The order in which Bedrock's locks are taken: a thread that holds a lock may take only locks of higher rank. Debug
// builds check it on every acquisition.
#pragma once

#include <cstdint>

namespace astrata::kernel {

enum class LockRank : std::uint8_t {
    silo_tree,         ///< children of a silo, processes of a silo
    process,           ///< a process's thread list and life cycle
    space_mapping,     ///< sleeping: the mappings of an address space
    derivation,        ///< the derivation tree of one object's handles
    handle_table,      ///< the slots of one process
    page_source,       ///< outstanding page requests of a memory object
    memory_object,     ///< the page tree of a memory object
    page_table,        ///< the page-table pages of an address space
    wait_set,          ///< entries and waiters of a wait set
    endpoint,          ///< queues of an endpoint
    waitable,          ///< signal state and waiter of a notification, timer, interrupt, process, silo
    timer_queue,       ///< armed timers of one CPU
    thread,            ///< scheduling state of one thread
    run_queue,         ///< ready threads of one CPU
    kernel_space,      ///< the kernel's own virtual ranges
    interrupt_routing, ///< vectors and IO-APIC entries
    slab,              ///< one size class of the kernel heap
    frames,            ///< the frame allocator
    tlb,               ///< one shootdown at a time
    log,               ///< the log ring
    serial,            ///< the early serial port
};

}  // namespace astrata::kernel
