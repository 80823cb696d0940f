// mount, umount, scheme, df.
#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/format.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

int mount(Context& context) {
    auto& names = context.shell().names();
    if (context.argument_count() == 0) {
        for (std::size_t position = 0;; ++position) {
            auto const mounted = names.mount_at(position);
            if (!mounted)
                return 0;
            auto const statistics = mounted->client().statistics();
            context.out.left(mounted->scheme, 16).print(" on ").left(mounted->path, 16);
            if (statistics) {
                bool const is_read_only = has(statistics->flags, abi::FileSystemFlags::read_only);
                context.out.print(' ', statistics->kind.view(), is_read_only ? ", read-only" : "");
            }
            context.out.print('\n');
        }
    }
    if (context.argument_count() != 2)
        return context.usage();
    auto const path = context.path(context.argument(1));
    if (!path)
        return context.fail(context.argument(1), path.error());
    auto const mounted = names.mount(context.argument(0), *path);
    if (mounted)
        return 0;
    switch (mounted.error()) {
    case Error::not_found: return context.fail(context.argument(0), "no such scheme; `scheme' lists them");
    case Error::wrong_type: return context.fail(context.argument(0), "not a file system");
    case Error::busy: return context.fail(context.argument(1), "something is mounted there");
    default: return context.fail(context.argument(0), mounted.error());
    }
}

int umount(Context& context) {
    if (context.argument_count() != 1)
        return context.usage();
    auto const path = context.path(context.argument(0));
    auto const removed = path ? context.shell().names().unmount(*path) : fail(path.error());
    if (removed)
        return 0;
    switch (removed.error()) {
    case Error::not_found: return context.fail(context.argument(0), "nothing is mounted there");
    case Error::busy: return context.fail(context.argument(0), "something else is mounted below it");
    default: return context.fail(context.argument(0), removed.error());
    }
}

int scheme(Context& context) {
    if (context.argument_count() > 1 ||
        (context.argument_count() == 1 && context.argument(0) != "ls" && context.argument(0) != "list"))
        return context.usage();
    context.out.left("SCHEME", 18).left("INTERFACE", 18).print("PROVIDER\n");
    for (std::uint32_t position = 0; !context.is_stopping(); ++position) {
        auto const known = context.shell().manager().scheme(position);
        if (!known)
            return known.error() == Error::not_found ? 0 : context.fail("silo manager", known.error());
        context.out.left(known->scheme.view(), 18)
            .left(known->interface.view(), 18)
            .print(known->provider.view(), '\n');
    }
    return 0;
}

int df(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    context.out.left("SCHEME", 14)
        .left("KIND", 10)
        .right("SIZE", 9)
        .right("USED", 9)
        .right("FREE", 9)
        .right("NODES", 10);
    context.out.print("  PATH\n");
    int status = 0;
    for (std::size_t position = 0; !context.is_stopping(); ++position) {
        auto const mounted = context.shell().names().mount_at(position);
        if (!mounted)
            break;
        auto const statistics = mounted->client().statistics();
        if (!statistics) {
            status = context.fail(mounted->path, statistics.error());
            continue;
        }
        auto const block = std::uint64_t{statistics->block_size};
        ShortText size;
        ShortText used;
        ShortText free;
        append_size(size, statistics->blocks * block);
        append_size(used, (statistics->blocks - std::min(statistics->blocks, statistics->blocks_free)) * block);
        append_size(free, statistics->blocks_available * block);
        context.out.left(mounted->scheme, 14)
            .left(statistics->kind.view(), 10)
            .right(size.view(), 9)
            .right(used.view(), 9);
        context.out.right(free.view(), 9)
            .right(statistics->nodes - std::min(statistics->nodes, statistics->nodes_free), 10);
        context.out.print("  ", mounted->path.view(), '\n');
    }
    return status;
}

constexpr Command table[] = {
    {"mount", "[SCHEME PATH]", "list what is mounted, or mount the file system of a scheme", mount, Completes::schemes},
    {"umount", "PATH", "take a file system off its path", umount, Completes::folders},
    {"scheme", "[ls]", "list the schemes and who provides them", scheme},
    {"df", "", "show how full the mounted file systems are", df},
};

}  // namespace

constinit std::span<Command const> const mount_commands = table;

}  // namespace astrata::chevron
