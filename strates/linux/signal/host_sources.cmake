set(host_sources
    ${CMAKE_SOURCE_DIR}/strates/linux/signal/pending.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/signal/signal.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/core/errno.cc)
