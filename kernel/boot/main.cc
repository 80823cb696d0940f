#include "kernel/boot/main.h"

#include "arch/copy_method.h"
#include "arch/cpu.h"
#include "arch/hardware_random.h"
#include "arch/platform.h"
#include "arch/user_view.h"
#include "kernel/boot/first_process.h"
#include "kernel/log/print.h"
#include "kernel/mem/audit.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/object/silo.h"
#include "kernel/sched/reaper.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/panic.h"
#include "lib/boot_options/boot_options.h"
#include "lib/boot_options/security_profile.h"

namespace astrata::kernel {

namespace {

constinit BootInfo const* the_boot_info = nullptr;

// Whatever fails here leaves nothing to run on.
template <typename T>
T require(Result<T> result, std::string_view what) {
    if (!result)
        panic(what);
    if constexpr (!std::is_void_v<T>)
        return *std::move(result);
}

// For `audit=boot`.
void audit_at_boot() {
    auto const auditor = mem::audit_all_memory();
    auto const& found = auditor.found();
    print("memory audit: ", found.tables, " page tables, ", found.kernel_code, " kernel code, ", found.kernel_constants, " constant, ",
          found.kernel_data, " data, ", found.kernel_devices, " device mappings; ", auditor.violations(), " violations");
}

}  // namespace

BootInfo const& boot_info() {
    return *the_boot_info;
}

void kernel_main(BootInfo const& info) {
    the_boot_info = &info;
    if (boot_option(info.command_line(), "console") == "serial")
        mirror_log_to_serial();
    print("Astrata, Bedrock on ", arch::name, ", security profile ", name_of(security_profile(info.command_line())));
    if (arch::has_user_views())
        print("user mode has page tables of its own");
    print("random numbers: seeded from ", arch::hardware_random_source());
    require(mem::initialize(info), "no memory to start with");

    auto root = require(Silo::create(nullptr, 0, 0, 0), "no memory for the root silo");
    auto& account = root->memory();
    auto idle = require(Thread::create_kernel(account, "idle", nullptr, nullptr), "no memory for the idle thread");
    sched::register_cpu(*idle.leak());
    arch::start_platform(info, account);
    require(start_reaper(account), "no memory for the reaper");
    clock::settle();
    arch::choose_copy_method(info.command_line());
    trace::start_from_command_line(*root, info.command_line());
    require(start_first_process(info, *root), "the silo manager cannot be started");
    (void)root.leak();
    if (audits_at_boot(info.command_line()))
        audit_at_boot();
    sched::enter_idle();
}

}  // namespace astrata::kernel
