// Mounts the volume on the disk and serves its files.
#include <bit>

#include "abi/block.h"
#include "ext4/environment.h"
#include "lib/async/spawn.h"
#include "sdk/log.h"
#include "strates/fs/ext4/driver_link.h"
#include "strates/fs/ext4/pager.h"
#include "strates/fs/ext4/server.h"

namespace astrata {
namespace {

using namespace ext4_strate;

void report(Result<std::unique_ptr<ext4::Volume>> const& mounted) {
    if (!mounted) {
        sdk::log("the disk cannot be mounted: ", mounted.error());
        return;
    }
    auto const& superblock = (*mounted)->superblock();
    sdk::log("mounted ", superblock.block_count, " blocks of ", superblock.block_size, " bytes, read-only");
}

}  // namespace

Result<> strate_main(ext4::Environment& environment) {
    // Waits for the driver if it is still starting.
    auto const geometry = TRY(abi::BlockClient(environment.disk.endpoint.get()).geometry());
    auto loop = TRY(sdk::EventLoop::create());
    Disk disk(geometry.block_size, geometry.blocks);
    DriverLink driver(environment.disk, loop, disk);
    MountedVolume mounted;
    PageCache cache(environment.file_system.get(), environment.silo.get());
    Pager pager(mounted, disk, cache);
    FileServer server(mounted, cache);

    TRY(driver.start());
    if (std::has_single_bit(geometry.block_size) && geometry.block_size <= page_size) {
        async::spawn(ext4::Volume::mount(disk), [&](Result<std::unique_ptr<ext4::Volume>> volume) {
            report(volume);
            // What cannot be mounted is served too: every call says why.
            mounted.set(std::move(volume));
        });
    } else {
        mounted.set(fail(Error::not_supported));
    }
    TRY(loop.serve(std::move(environment.file_system), server, 0, &pager));
    TRY(loop.run());
    return driver.failure();
}

}  // namespace astrata
