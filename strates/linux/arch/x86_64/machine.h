// What the rest of the personality sees of x86_64, through "linux_calls/machine.h".
#pragma once

#include "strates/linux/arch/x86_64/facts.h"
#include "strates/linux/arch/x86_64/registers.h"
#include "strates/linux/arch/x86_64/signal_frame.h"
#include "strates/linux/arch/x86_64/vector_state.h"
