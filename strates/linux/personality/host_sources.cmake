set(host_sources
    ${CMAKE_SOURCE_DIR}/strates/linux/personality/parameters.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/exec/strings.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/core/errno.cc)
