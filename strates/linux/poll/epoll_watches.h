// The link between a file and the epoll instances that watch it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "strates/linux/core/wait.h"

namespace astrata::linux_abi {

class Epoll;
class EpollWatch;
class File;

/// Takes the file, which is about to end, out of every epoll instance.
void end_epoll_watches(File& file);

}  // namespace astrata::linux_abi
