// cat, touch, write, cp, mv, rm.
#include <algorithm>

#include "apps/chevron/commands/command.h"
#include "apps/chevron/io/file.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t copy_bytes = std::size_t{32} * 1024;
constexpr unsigned depth_limit = 128;  // of a tree that rm -r removes

// Everything from one channel to the other, until the end or an interruption.
Result<> copy(Context& context, Channel& from, Channel& to) {
    auto const buffer = TRY(HeapBytes::create(copy_bytes));
    while (!context.is_stopping()) {
        auto const count = TRY(from.read(buffer.span()));
        if (count == 0)
            return {};
        TRY(to.write(buffer.span().first(count)));
    }
    return fail(Error::interrupted);
}

int cat(Context& context) {
    context.out.flush();
    auto const report = [&](std::string_view name, Result<> const& copied) {
        if (copied || copied.error() == Error::interrupted)
            return 0;
        if (copied.error() == Error::peer_closed)  // as SIGPIPE: nobody reads any more
            return shell::status_signal + static_cast<int>(signal_pipe);
        return context.fail(name, copied.error());
    };
    if (context.argument_count() == 0)
        return report("input", copy(context, context.input(), *context.streams().output));
    int status = 0;
    for (auto const name : context.arguments().subspan(1)) {
        if (context.is_stopping())
            break;
        auto const copy_file = [&]() -> Result<> {
            auto const path = TRY(context.path(name));
            auto const found = TRY(context.shell().names().find(path));
            auto const file = TRY(open_for_reading(found));
            return copy(context, *file, *context.streams().output);
        };
        status = std::max(status, report(name, copy_file()));
    }
    return status;
}

int touch(Context& context) {
    if (context.argument_count() == 0)
        return context.usage();
    int status = 0;
    for (auto const name : context.arguments().subspan(1)) {
        auto const touch_one = [&]() -> Result<> {
            auto const path = TRY(context.path(name));
            auto found = context.shell().names().find(path);
            if (!found) {
                if (found.error() != Error::not_found)
                    return fail(found.error());
                TRY(open_for_writing(context.shell().names(), path, WriteMode::append));
                return {};
            }
            auto attributes = found->attributes;
            attributes.accessed_ns = attributes.modified_ns = static_cast<std::int64_t>(sys::clock_wall_ns());
            return found->client().set_attributes(
                attributes.node, abi::AttributeMask::accessed | abi::AttributeMask::modified, attributes);
        };
        if (auto const touched = touch_one(); !touched)
            status = context.fail(name, touched.error());
    }
    return status;
}

int write(Context& context) {
    if (context.argument_count() == 0)
        return context.usage();
    auto const name = context.argument(0);
    auto const write_all = [&]() -> Result<> {
        auto const path = TRY(context.path(name));
        auto const file = TRY(open_for_writing(context.shell().names(), path, WriteMode::truncate));
        if (context.argument_count() == 1)
            return copy(context, context.input(), *file);
        for (std::size_t position = 1; position < context.argument_count(); ++position) {
            if (position > 1)
                TRY(file->write(as_bytes(" ")));
            TRY(file->write(as_bytes(context.argument(position))));
        }
        return file->write(as_bytes("\n"));
    };
    auto const written = write_all();
    return written || written.error() == Error::interrupted ? 0 : context.fail(name, written.error());
}

// ---- cp, mv ----

// The target itself, or the entry of the source's name in it if it is a folder.
Result<Path> target_path(Context& context, Path const& source, std::string_view target, bool must_be_folder) {
    auto path = TRY(context.path(target));
    auto const found = context.shell().names().find(path);
    if (found && found->attributes.kind == abi::NodeKind::directory)
        TRY(path.go(source.last_component()));
    else if (must_be_folder)
        return fail(Error::not_a_directory);
    return path;
}

Result<> copy_file(Context& context, Path const& source, Path const& target) {
    auto const found = TRY(context.shell().names().find(source));
    if (found.attributes.kind == abi::NodeKind::directory)
        return fail(Error::is_a_directory);
    auto const existing = context.shell().names().find(target);
    if (existing && existing->mount.get() == found.mount.get() && existing->attributes.node == found.attributes.node)
        return fail(Error::invalid_argument);  // onto itself
    auto const from = TRY(open_for_reading(found));
    auto const to = TRY(open_for_writing(context.shell().names(), target, WriteMode::truncate));
    TRY(copy(context, *from, *to));
    auto const made = TRY(context.shell().names().find(target));
    return made.client().set_attributes(made.attributes.node, abi::AttributeMask::mode, found.attributes);
}

Result<> move_file(Context& context, Path const& source, Path const& target) {
    auto const from = TRY(context.shell().names().find_place(source));
    auto const to = TRY(context.shell().names().find_place(target));
    if (from.mount.get() == to.mount.get())
        return from.client().rename(from.directory, from.name(), to.directory, to.name());
    TRY(copy_file(context, source, target));
    return from.client().remove(from.directory, from.name(), 0);
}

int transfer(Context& context, Result<> (*one)(Context&, Path const&, Path const&)) {
    if (context.argument_count() < 2)
        return context.usage();
    auto const target = context.argument(context.argument_count() - 1);
    bool const are_several = context.argument_count() > 2;
    int status = 0;
    for (std::size_t position = 0; position + 1 < context.argument_count() && !context.is_stopping(); ++position) {
        auto const name = context.argument(position);
        auto const work = [&]() -> Result<> {
            auto const source = TRY(context.path(name));
            TRY(context.shell().names().find(source, LastLink::keep));
            auto const place = TRY(target_path(context, source, target, are_several));
            return one(context, source, place);
        };
        if (auto const done = work(); !done && done.error() != Error::interrupted)
            status = context.fail(name, done.error());
    }
    return status;
}

int cp(Context& context) {
    return transfer(context, copy_file);
}

int mv(Context& context) {
    return transfer(context, move_file);
}

// ---- rm ----

// The first entry of a folder, other than itself and its parent; empty if there is none.
Result<String> first_entry(Context& context, Found const& folder) {
    auto const client = folder.client();
    for (std::uint64_t cursor = 0;;) {
        auto const packed = TRY(client.read_directory(folder.attributes.node, cursor));
        if (packed.is_empty())
            return String();
        auto rest = packed.view();
        while (!rest.empty()) {
            auto const entry = TRY(take_entry(rest));
            cursor = entry.cursor;
            if (entry.name != "." && entry.name != "..")
                return String::from(entry.name);
        }
        if (context.is_stopping())
            return fail(Error::interrupted);
    }
}

// Down to a folder without folders, then up again, always taking the first entry: no recursion and no list in memory.
Result<> remove_tree(Context& context, Path const& top) {
    auto& names = context.shell().names();
    auto path = top;
    unsigned depth = 0;
    for (;;) {
        if (context.is_stopping())
            return fail(Error::interrupted);
        auto const found = TRY(names.find(path, LastLink::keep));
        bool const is_folder = found.attributes.kind == abi::NodeKind::directory;
        if (is_folder) {
            auto const entry = TRY(first_entry(context, found));
            if (!entry.is_empty()) {
                if (++depth > depth_limit)
                    return fail(Error::name_too_long);
                TRY(path.go(entry));
                continue;
            }
        }
        auto const place = TRY(names.find_place(path));
        TRY(place.client().remove(place.directory, place.name(), is_folder ? 1 : 0));
        if (path.view() == top.view())
            return {};
        path.go_up();
        --depth;
    }
}

int rm(Context& context) {
    bool is_recursive = false;
    bool is_forced = false;
    std::size_t first = 0;
    for (; context.argument(first).starts_with('-') && context.argument(first).size() > 1; ++first) {
        for (auto const letter : context.argument(first).substr(1)) {
            if (letter != 'r' && letter != 'f')
                return context.usage();
            (letter == 'r' ? is_recursive : is_forced) = true;
        }
    }
    if (first == context.argument_count())
        return context.usage();
    int status = 0;
    for (std::size_t position = first; position < context.argument_count() && !context.is_stopping(); ++position) {
        auto const name = context.argument(position);
        auto const remove = [&]() -> Result<> {
            auto const path = TRY(context.path(name));
            auto const place = TRY(context.shell().names().find_place(path));
            auto const found = TRY(context.shell().names().find(path, LastLink::keep));
            if (found.attributes.kind == abi::NodeKind::directory)
                return is_recursive ? remove_tree(context, path) : fail(Error::is_a_directory);
            return place.client().remove(place.directory, place.name(), 0);
        };
        auto const removed = remove();
        if (!removed && removed.error() != Error::interrupted && !(is_forced && removed.error() == Error::not_found))
            status = context.fail(name, removed.error());
    }
    return status;
}

constexpr Command table[] = {
    {"cat", "[FILE...]", "print files, or the input", cat, Completes::paths},
    {"touch", "FILE...", "make files that do not exist, mark others as changed now", touch, Completes::paths},
    {"write", "FILE [TEXT...]", "put text, or the input, into a file", write, Completes::paths},
    {"cp", "FILE... TARGET", "copy files", cp, Completes::paths},
    {"mv", "PATH... TARGET", "rename or move files and folders", mv, Completes::paths},
    {"rm", "[-r] [-f] PATH...", "remove files, with -r folders with all that is in them", rm, Completes::paths},
};

}  // namespace

constinit std::span<Command const> const file_commands = table;

}  // namespace astrata::chevron
