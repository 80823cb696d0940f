// What the rest of the personality sees of riscv64, through "linux_calls/machine.h".
#pragma once

#include "strates/linux/arch/riscv64/facts.h"
#include "strates/linux/arch/riscv64/registers.h"
#include "strates/linux/arch/riscv64/signal_frame.h"
#include "strates/linux/arch/riscv64/vector_state.h"
