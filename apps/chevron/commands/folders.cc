// cd, pwd, ls, stat, mkdir, rmdir.
#include <algorithm>

#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/format.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

constexpr std::uint32_t new_folder_mode = 0755;

char kind_letter(abi::NodeKind kind) {
    switch (kind) {
    case abi::NodeKind::file: return '-';
    case abi::NodeKind::directory: return 'd';
    case abi::NodeKind::symbolic_link: return 'l';
    case abi::NodeKind::character_device: return 'c';
    case abi::NodeKind::block_device: return 'b';
    case abi::NodeKind::fifo: return 'p';
    case abi::NodeKind::socket: return 's';
    }
    return '?';
}

std::string_view kind_name(abi::NodeKind kind) {
    switch (kind) {
    case abi::NodeKind::file: return "file";
    case abi::NodeKind::directory: return "folder";
    case abi::NodeKind::symbolic_link: return "symbolic link";
    case abi::NodeKind::character_device: return "character device";
    case abi::NodeKind::block_device: return "block device";
    case abi::NodeKind::fifo: return "fifo";
    case abi::NodeKind::socket: return "socket";
    }
    return "unknown";
}

int cd(Context& context) {
    if (context.argument_count() > 1)
        return context.usage();
    auto const name = context.argument_count() == 0 ? std::string_view("/") : context.argument(0);
    auto const path = context.path(name);
    auto const found = path ? context.shell().names().find(*path) : fail(path.error());
    if (!found)
        return context.fail(name, found.error());
    if (found->attributes.kind != abi::NodeKind::directory)
        return context.fail(name, Error::not_a_directory);
    context.shell().set_directory(*path);
    return 0;
}

int pwd(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    context.out.print(context.shell().directory().view(), '\n');
    return 0;
}

// ---- ls ----

struct ListOptions {
    bool is_long = false;
    bool shows_hidden = false;
    bool is_single_column = false;
};

void print_long(Context& context, abi::NodeAttributes const& attributes, std::string_view name,
                abi::FileSystemClient const& client) {
    ShortText mode;
    append_mode(mode, kind_letter(attributes.kind), attributes.mode);
    auto const date = date_of(attributes.modified_ns / 1'000'000'000);
    ShortText when;
    when.decimal(date.year, 4, '0').append('-').decimal(date.month, 2, '0').append('-').decimal(date.day, 2, '0');
    when.append(' ').decimal(date.hour, 2, '0').append(':').decimal(date.minute, 2, '0');
    context.out.print(mode.view()).right(attributes.links, 4).right(attributes.uid, 6).right(attributes.gid, 6);
    context.out.right(attributes.size, 11).print(' ', when.view(), ' ', name);
    if (attributes.kind == abi::NodeKind::symbolic_link) {
        if (auto const target = client.read_link(attributes.node); target)
            context.out.print(" -> ", target->view());
    }
    context.out.print('\n');
}

Result<> list_long(Context& context, Found const& folder, Vector<String> const& names) {
    for (auto const& name : names) {
        if (context.is_stopping())
            break;
        auto path = folder.path;
        TRY(path.go(name));
        // A mount point shows what is mounted there.
        auto const found = context.shell().names().find(path, LastLink::keep);
        if (found)
            print_long(context, found->attributes, name, found->client());
        else
            context.out.print("?????????? ", name.view(), ": ", name_of(found.error()), '\n');
    }
    return {};
}

void list_columns(Context& context, Vector<String> const& names) {
    std::size_t widest = 0;
    for (auto const& name : names)
        widest = std::max(widest, name.size());
    auto const cell = widest + 2;
    auto const per_row = std::max<std::size_t>(1, context.shell().console().size().columns / cell);
    auto const rows = (names.size() + per_row - 1) / per_row;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t index = row; index < names.size(); index += rows) {
            if (index + rows < names.size())
                context.out.left(names[index], cell);
            else
                context.out.print(names[index].view());
        }
        context.out.print('\n');
    }
}

Result<> list_folder(Context& context, Found const& folder, ListOptions const& options) {
    Vector<String> names;
    auto const collect = [&](std::string_view name, abi::NodeKind) -> Result<> {
        if (name.starts_with('.') && !options.shows_hidden)
            return {};
        if (context.is_stopping())
            return fail(Error::interrupted);
        auto copied = TRY(String::from(name));
        return names.push_back(std::move(copied));
    };
    TRY(context.shell().names().list(folder, collect));
    std::ranges::sort(names.span(), [](String const& left, String const& right) { return left.view() < right.view(); });
    // A mount point may stand for an entry of the same name.
    std::size_t kept = 0;
    for (std::size_t index = 0; index < names.size(); ++index) {
        if (index == 0 || names[index].view() != names[kept - 1].view()) {
            if (kept != index)
                names[kept] = std::move(names[index]);
            ++kept;
        }
    }
    while (names.size() > kept)
        names.pop_back();
    if (options.is_long)
        return list_long(context, folder, names);
    if (context.is_output_console() && !options.is_single_column && !names.is_empty()) {
        list_columns(context, names);
        return {};
    }
    for (auto const& name : names)
        context.out.print(name.view(), '\n');
    return {};
}

int list_one(Context& context, std::string_view name, ListOptions const& options, bool has_title) {
    auto const path = context.path(name);
    auto const found = path ? context.shell().names().find(*path, options.is_long ? LastLink::keep : LastLink::follow)
                            : fail(path.error());
    if (!found)
        return context.fail(name, found.error());
    if (found->attributes.kind != abi::NodeKind::directory) {
        if (options.is_long)
            print_long(context, found->attributes, name, found->client());
        else
            context.out.print(name, '\n');
        return 0;
    }
    if (has_title)
        context.out.print(name, ":\n");
    auto const listed = list_folder(context, *found, options);
    return listed ? 0 : context.fail(name, listed.error());
}

int ls(Context& context) {
    ListOptions options;
    std::size_t first = 0;
    for (; context.argument(first).starts_with('-') && context.argument(first).size() > 1; ++first) {
        for (auto const letter : context.argument(first).substr(1)) {
            switch (letter) {
            case 'l': options.is_long = true; break;
            case 'a': options.shows_hidden = true; break;
            case '1': options.is_single_column = true; break;
            default: return context.usage();
            }
        }
    }
    auto const count = context.argument_count() - first;
    if (count == 0)
        return list_one(context, ".", options, false);
    int status = 0;
    for (std::size_t position = first; position < context.argument_count() && !context.is_stopping(); ++position)
        status = std::max(status, list_one(context, context.argument(position), options, count > 1));
    return status;
}

// ---- stat, mkdir, rmdir ----

void print_time(Context& context, std::string_view what, std::int64_t nanoseconds) {
    ShortText text;
    append_date(text, nanoseconds / 1'000'000'000);
    context.out.left(what, 10).print(text.view(), '\n');
}

int stat(Context& context) {
    if (context.argument_count() == 0)
        return context.usage();
    int status = 0;
    for (auto const name : context.arguments().subspan(1)) {
        auto const path = context.path(name);
        auto const found = path ? context.shell().names().find(*path, LastLink::keep) : fail(path.error());
        if (!found) {
            status = context.fail(name, found.error());
            continue;
        }
        auto const& attributes = found->attributes;
        ShortText mode;
        append_mode(mode, kind_letter(attributes.kind), attributes.mode);
        context.out.print("path      ", found->path.view(), '\n');
        context.out.print("kind      ", kind_name(attributes.kind), '\n');
        context.out.print("scheme    ", found->mount->scheme.view(), ", node ", attributes.node, '\n');
        context.out.print("size      ", attributes.size, " bytes, ", attributes.blocks_512 * 512, " allocated\n");
        context.out.print("mode      ", mode.view(), ", owner ", attributes.uid, ", group ", attributes.gid, ", links ",
                          attributes.links, '\n');
        print_time(context, "modified", attributes.modified_ns);
        print_time(context, "changed", attributes.changed_ns);
        print_time(context, "accessed", attributes.accessed_ns);
    }
    return status;
}

int mkdir(Context& context) {
    if (context.argument_count() == 0)
        return context.usage();
    int status = 0;
    for (auto const name : context.arguments().subspan(1)) {
        auto const make = [&]() -> Result<> {
            auto const path = TRY(context.path(name));
            if (context.shell().names().find(path, LastLink::keep))
                return fail(Error::already_exists);
            auto const place = TRY(context.shell().names().find_place(path));
            TRY(place.client().create(place.directory, place.name(), abi::NodeKind::directory, new_folder_mode, 0, 0,
                                      0));
            return {};
        };
        if (auto const made = make(); !made)
            status = context.fail(name, made.error());
    }
    return status;
}

int rmdir(Context& context) {
    if (context.argument_count() == 0)
        return context.usage();
    int status = 0;
    for (auto const name : context.arguments().subspan(1)) {
        auto const remove = [&]() -> Result<> {
            auto const path = TRY(context.path(name));
            auto const place = TRY(context.shell().names().find_place(path));
            return place.client().remove(place.directory, place.name(), 1);
        };
        if (auto const removed = remove(); !removed)
            status = context.fail(name, removed.error());
    }
    return status;
}

constexpr Command table[] = {
    {"cd", "[FOLDER]", "change the working folder", cd, Completes::folders, Runs::shell_only},
    {"pwd", "", "print the working folder", pwd},
    {"ls", "[-l] [-a] [-1] [PATH...]", "list folders", ls, Completes::paths},
    {"stat", "PATH...", "show what is known about files", stat, Completes::paths},
    {"mkdir", "FOLDER...", "make folders", mkdir, Completes::folders},
    {"rmdir", "FOLDER...", "remove empty folders", rmdir, Completes::folders},
};

}  // namespace

constinit std::span<Command const> const folder_commands = table;

}  // namespace astrata::chevron
