set(host_sources
    ${CMAKE_CURRENT_LIST_DIR}/buffer_pool.cc ${CMAKE_CURRENT_LIST_DIR}/session.cc ${CMAKE_CURRENT_LIST_DIR}/disk.cc
    ${CMAKE_CURRENT_LIST_DIR}/conversion.cc)
