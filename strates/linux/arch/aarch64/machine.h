// What the rest of the personality sees of aarch64, through "linux_calls/machine.h".
#pragma once

#include "strates/linux/arch/aarch64/facts.h"
#include "strates/linux/arch/aarch64/registers.h"
#include "strates/linux/arch/aarch64/signal_frame.h"
#include "strates/linux/arch/aarch64/vector_state.h"
