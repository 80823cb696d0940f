set(host_sources ${CMAKE_CURRENT_LIST_DIR}/control_protocol.cc)
