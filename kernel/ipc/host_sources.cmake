# Messages, waiting, threads, handles and memory management are the real ones; fakes_test.cc plays the scheduler.
file(GLOB host_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernel/mem/*.cc)
list(FILTER host_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$|/syscalls_[a-z_]*\\.cc$")
list(APPEND host_sources ${CMAKE_SOURCE_DIR}/kernel/mem/fakes_test.cc ${CMAKE_SOURCE_DIR}/kernel/user_copy/user_copy.cc
    ${CMAKE_SOURCE_DIR}/kernel/object/handle_table.cc ${CMAKE_SOURCE_DIR}/kernel/object/object.cc
    ${CMAKE_SOURCE_DIR}/kernel/object/process.cc ${CMAKE_SOURCE_DIR}/kernel/object/silo.cc
    ${CMAKE_SOURCE_DIR}/kernel/sched/thread.cc ${CMAKE_SOURCE_DIR}/kernel/sched/wait.cc
    ${folder}/fakes_test.cc ${folder}/endpoint.cc ${folder}/reply.cc ${folder}/waitable.cc ${folder}/wait_set.cc
    ${folder}/message_calls.cc ${folder}/message_transfer.cc)
include_directories(${CMAKE_SOURCE_DIR}/kernel/arch/host)
# One input is a whole life of several processes: few of them, and long ones from the start.
set(fuzz_options -runs=2000 -len_control=0 -max_len=1000)
