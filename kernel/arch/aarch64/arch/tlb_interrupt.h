// Processors tell each other what to forget by instruction (tlb.cc): nobody is interrupted for it.
#pragma once
