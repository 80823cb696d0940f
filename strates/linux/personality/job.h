// A program that somebody outside started through the Personality interface, and who waits for it.
#pragma once

#include "strates/linux/process/process.h"

namespace astrata::linux_abi {

class Job {
public:
    /// The job's first process ended. The process table is locked: only note it and wake the server.
    void on_ended(WaitStatus status);
    /// It stopped.
    void on_stopped(Signal signal);
    void on_continued();
};

}  // namespace astrata::linux_abi
