set(host_sources
    ${CMAKE_SOURCE_DIR}/strates/linux/exec/stack_layout.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/exec/script.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/core/errno.cc)
