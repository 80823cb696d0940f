// Pipelines that were stopped in the foreground, and lists that `&` started, as jobs.
#pragma once

#include <string_view>

#include "apps/chevron/run/jobs.h"
#include "apps/chevron/run/pipeline.h"

namespace astrata::chevron {

/// Waits for a pipeline in the foreground; one that is stopped becomes a job, which the user is told.
/// returns    its status
int wait_or_keep(Shell& shell, Ref<Pipeline> pipeline);

/// Runs `and_or` on a thread of its own, with nothing to read, and makes it a job, which the user is told.
/// returns    the status of starting it
int start_in_background(Interpreter& parent, shell::AndOr const& and_or);

}  // namespace astrata::chevron
