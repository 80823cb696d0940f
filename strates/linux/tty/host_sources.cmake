set(host_sources ${CMAKE_SOURCE_DIR}/strates/linux/tty/line_discipline.cc)
