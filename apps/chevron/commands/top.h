// The table of silos that keeps itself up to date.
#pragma once

#include "apps/chevron/commands/command.h"

namespace astrata::chevron {

/// On the console until q or Ctrl-C; elsewhere one table after a second of measuring.
int top(Context& context);

}  // namespace astrata::chevron
