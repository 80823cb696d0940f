// Fills the tree from the boot archive and serves it.
#include "ramfs/environment.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"
#include "strates/fs/ramfs/server.h"

namespace astrata {

namespace {

constexpr std::string_view default_prefix = "root/";

Result<> fill(ramfs::Tree& tree, ramfs::MemorySource& source, sdk::MemoryObject const& archive,
              std::string_view prefix) {
    auto const size = TRY(archive.size());
    if (size == 0)
        return {};
    auto const mapping = TRY(archive.map(0, size, abi::Access::read));
    auto const population = ramfs::populate(tree, mapping.bytes(), prefix, source, ramfs::wall_time());
    if (!population) {
        // What could be read is there, and better than nothing.
        sdk::log("the boot archive cannot be read to its end: ", population.error());
        return {};
    }
    sdk::log(population->entries, " nodes from the boot archive below ", prefix);
    if (population->skipped != 0)
        sdk::log(population->skipped, " entries of the boot archive make no sense here and were skipped");
    return {};
}

}  // namespace

Result<> strate_main(ramfs::Environment& environment) {
    auto const prefix = environment.arguments.empty() ? default_prefix : environment.arguments[0];
    sdk::MemoryObject const archive(std::move(environment.archive));
    ramfs::MemorySource source(archive.get());
    auto const tree = TRY(ramfs::Tree::create(source, ramfs::wall_time()));
    TRY(fill(*tree, source, archive, prefix));
    ramfs::RamfsServer server(*tree, environment.silo.get());
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.serve(std::move(environment.file_system), server));
    return loop.run();
}

}  // namespace astrata
