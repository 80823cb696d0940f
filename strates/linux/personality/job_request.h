// What a job is started with.
#pragma once

#include "lib/containers/string.h"
#include "strates/linux/exec/strings.h"

namespace astrata::linux_abi {

struct JobRequest {
    String directory;
    ProgramStrings arguments;
    ProgramStrings environment;
};

}  // namespace astrata::linux_abi
