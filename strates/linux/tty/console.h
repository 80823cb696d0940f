// The console as a file: a terminal from outside the silo, under the name by which programs can find it.
#pragma once

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/tty/terminal.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {

/// An open file on `terminal`, for reading and writing, that ttyname() finds as /dev/console.
/// errors    enomem
LinuxResult<Ref<File>> make_console_file(FileSystemContext const& context, Ref<Terminal> terminal);

}  // namespace astrata::linux_abi
