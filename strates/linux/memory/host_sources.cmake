set(host_sources ${CMAKE_SOURCE_DIR}/strates/linux/memory/region_map.cc)
