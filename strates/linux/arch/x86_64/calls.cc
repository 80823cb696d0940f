// The system call that only x86_64 has: arch_prctl(2), which moves segment bases.
#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

LinuxResult<std::uint64_t> sys_arch_prctl(Task& task, std::int32_t option, GuestAddress address) {
    enum : std::int32_t { set_gs = 0x1001, set_fs = 0x1002, get_fs = 0x1003, get_gs = 0x1004 };
    auto& state = task.state();
    switch (option) {
    case set_fs:
    case set_gs:
        // A segment base beyond the program's half would be a way to look into ours.
        if (address.value >= guest_limit)
            return fail(Errno::eperm);
        LTRY(sys::restricted_save_bases());
        (option == set_fs ? state.fs_base : state.gs_base) = address.value;
        LTRY(sys::restricted_load_bases());
        return 0;
    case get_fs:
    case get_gs: LTRY(sys::restricted_save_bases()); break;
    default: return fail(Errno::einval);
    }
    LTRY(write_guest(address, option == get_fs ? state.fs_base : state.gs_base));
    return 0;
}

}  // namespace astrata::linux_abi
