# One input is a sequence of steps: long ones from the start.
set(fuzz_options -len_control=0 -max_len=600)
