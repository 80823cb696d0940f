set(host_sources ${CMAKE_CURRENT_LIST_DIR}/uart16550.cc ${CMAKE_CURRENT_LIST_DIR}/pl011.cc)
