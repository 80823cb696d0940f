set(host_sources
    ${CMAKE_SOURCE_DIR}/strates/linux/arch/x86_64/signal_frame.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/arch/aarch64/signal_frame.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/arch/riscv64/signal_frame.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/signal/signal.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/core/errno.cc)
