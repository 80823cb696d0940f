// The first process of the system.
#include "sdk/heap.h"
#include "sdk/log.h"
#include "sdk/memory.h"
#include "silo-manager/environment.h"
#include "strates/silo-manager/manager.h"
#include "strates/silo-manager/service.h"

namespace astrata {

using namespace silo_manager;

Result<> strate_main(silo_manager::Environment& environment) {
    auto const archive = TRY(sys::memory_object_info(environment.archive.get()));
    auto const mapping = TRY(sdk::Mapping::map(environment.archive.get(), 0, archive.size, abi::Access::read));
    auto loop = TRY(sdk::EventLoop::create());
    auto timer = TRY(sdk::Timer::create());
    sdk::UniqueHandle administration(TRY(sys::endpoint_create()));
    auto const manager = TRY(sdk::make<Manager>(environment, loop, administration.get(), std::move(timer)));
    Service service(*manager, environment);
    TRY(loop.serve(std::move(administration), service));
    TRY(manager->boot(mapping.bytes()));
    return loop.run();
}

}  // namespace astrata
