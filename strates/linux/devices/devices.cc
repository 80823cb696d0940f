#include "strates/linux/devices/devices.h"

#include <array>

#include "strates/linux/core/make.h"
#include "strates/linux/file/special.h"
#include "strates/linux/process/process.h"
#include "strates/linux/tty/pty.h"
#include "strates/linux/tty/terminal.h"

namespace astrata::linux_abi {

namespace {

constexpr std::array nodes = {
    DeviceNode{"null", 0666, device_id::null},       DeviceNode{"zero", 0666, device_id::zero},
    DeviceNode{"full", 0666, device_id::full},       DeviceNode{"random", 0666, device_id::random},
    DeviceNode{"urandom", 0666, device_id::urandom}, DeviceNode{"tty", 0666, device_id::terminal},
    DeviceNode{"console", 0620, device_id::console}, DeviceNode{"ptmx", 0666, device_id::terminal_multiplexer},
};

// A session leader without a terminal gets the first one that it opens.
LinuxResult<Ref<File>> open_terminal(Path const& path, Ref<Terminal> terminal, std::uint32_t flags) {
    auto file = LTRY(make_ref<TerminalFile>(&path, terminal, flags));
    if ((flags & open_flag::no_controlling_terminal) == 0 && file->can_read())
        terminal->adopt_if_leader(current_process());
    return Ref<File>(std::move(file));
}

}  // namespace

std::span<DeviceNode const> device_nodes() {
    return nodes;
}

LinuxResult<Ref<File>> open_device(Path const& path, FileType type, std::uint64_t number, std::uint32_t flags) {
    if (type != FileType::character_device)
        return fail(Errno::enxio);
    switch (device_major(number)) {
    case 5:
        if (number == device_id::terminal_multiplexer)
            return open_pty_master(path, flags);
        // The console is the terminal that the silo's programs were started on.
        return open_terminal(path, LTRY(controlling_terminal()), flags | open_flag::no_controlling_terminal);
    case device_id::pty_major: return open_terminal(path, LTRY(pty_terminal(device_minor(number))), flags);
    default: return open_memory_device(path, number, flags);
    }
}

}  // namespace astrata::linux_abi
