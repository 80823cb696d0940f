// Journal replay: what a file system that was not unmounted would look like, without writing to it.
#pragma once

#include "lib/async/task.h"
#include "lib/ext4/block_remap.h"
#include "lib/ext4/metadata.h"

namespace astrata::ext4 {

/// Reads the log of an internal jbd2 journal and finds, for every block of a committed transaction, its newest copy.
/// Transactions that were not committed are left out, as a crash would leave them.
/// errors    corrupt (also: a logged block fails its checksum), not_supported (external journal, fast commits or
/// another
///           unknown feature), io, no_memory
async::Task<Result<BlockRemap>> replay_journal(Metadata& metadata);

}  // namespace astrata::ext4
