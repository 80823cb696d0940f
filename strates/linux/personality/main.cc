// The strate's beginning: the silo's tree of names, the process table, then the Personality interface for good.
#include <algorithm>
#include <charconv>

#include "linux/environment.h"
#include "sdk/log.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/exec/program_vdso.h"
#include "strates/linux/filesystems/silo_root.h"
#include "strates/linux/personality/server.h"
#include "strates/linux/personality/unusable.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/system_information.h"
#include "strates/linux/signal/vector_state.h"

namespace astrata {

namespace {

// What a task takes of memory besides its own data: stacks and state here and in Bedrock, page tables, the first
// written pages. As Linux does with its threads-max, no more tasks are allowed than fit.
constexpr std::uint64_t task_bytes = 256 << 10;

// "name=number" arguments of whoever started the instance; others are logged.
void take_argument(std::string_view argument) {
    auto split = argument.find('=');
    auto name = argument.substr(0, split);
    std::uint64_t value = 0;
    if (split != std::string_view::npos) {
        auto number = argument.substr(split + 1);
        (void)std::from_chars(number.data(), std::to_address(number.end()), value);
    }
    auto& table = linux_abi::process_table();
    auto const limit_tasks = [&table](std::uint64_t limit) {
        table.set_task_limit(static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, table.task_limit())));
    };
    if (name == "machine-memory") {
        linux_abi::set_machine_memory(value);
        limit_tasks(std::max<std::uint64_t>(value / task_bytes, 16));
    }
    if (name == "process-limit" && value != 0)
        limit_tasks(value);
}

Result<> report(std::string_view what, linux_abi::Errno error) {
    sdk::log(what, ": ", linux_abi::name_of(error));
    return fail(Error::bad_state);
}

}  // namespace

Result<> strate_main(linux::Environment& environment) {
    using namespace linux_abi;
    for (auto argument : environment.arguments)
        take_argument(argument);
    set_host_name("astrata");
    TRY(register_guest_copy_routines());
    TRY(learn_vector_state_format());
    TRY(prepare_program_vdso());
    if (auto started = process_table().start(); !started.has_value())
        return report("no process table", started.error());
    auto loop = TRY(sdk::EventLoop::create());
    auto context = build_silo_root(std::move(environment.root.endpoint));
    if (!context.has_value()) {
        (void)report("no root file system", context.error());
        UnusablePersonality service(context.error() == Errno::enomem    ? Error::no_memory
                                    : context.error() == Errno::euclean ? Error::corrupt
                                                                        : Error::io);
        TRY(loop.serve(std::move(environment.personality), service));
        return loop.run();
    }
    sdk::UniqueHandle changes(TRY(sys::notification_create()));
    auto changed = changes.get();
    PersonalityService service(std::move(*context), std::move(changes));
    TRY(loop.on_signal(changed, service));
    TRY(loop.serve(std::move(environment.personality), service));
    return loop.run();
}

}  // namespace astrata
