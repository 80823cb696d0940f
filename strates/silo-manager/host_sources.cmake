set(host_sources ${folder}/boot_order.cc ${folder}/catalogue.cc ${folder}/command_line.cc)
