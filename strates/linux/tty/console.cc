#include "strates/linux/tty/console.h"

#include "strates/linux/core/make.h"
#include "strates/linux/vfs/walk.h"

namespace astrata::linux_abi {

LinuxResult<Ref<File>> make_console_file(FileSystemContext const& context, Ref<Terminal> terminal) {
    auto const credentials = LTRY(Credentials::create_root());
    Walker walker({context, *credentials});
    auto const place = walker.resolve("/dev/console", LastComponent::no_follow);
    // A tree whose /dev somebody has taken away still gets its terminal, only without a name.
    Path const* const path = place ? &*place : nullptr;
    return Ref<File>(LTRY(make_ref<TerminalFile>(path, std::move(terminal), open_flag::read_write)));
}

}  // namespace astrata::linux_abi
