// grep: lines that contain a text.
#include <algorithm>

#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/line_search.h"
#include "apps/chevron/io/file.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

struct Options {
    LineSearch search;
    bool shows_number = false;
    bool only_counts = false;
    bool is_inverted = false;
};

Result<std::uint64_t> search_channel(Context& context, Channel& channel, Options const& options,
                                     std::string_view title) {
    auto const buffer = TRY(HeapBytes::create(line_search_bytes));
    LineCutter cutter(buffer.span());
    std::uint64_t number = 0;
    std::uint64_t matches = 0;
    auto const take = [&](std::string_view line) {
        ++number;
        if (options.search.matches(line) == options.is_inverted)
            return;
        ++matches;
        if (options.only_counts)
            return;
        if (!title.empty())
            context.out.print(title, ':');
        if (options.shows_number)
            context.out.print(number, ':');
        context.out.print(line, '\n');
    };
    while (!context.is_stopping()) {
        auto const count = TRY(channel.read(cutter.space()));
        if (count == 0) {
            if (auto const last = cutter.rest(); !last.empty())
                take(last);
            break;
        }
        cutter.added(count);
        while (auto const line = cutter.next())
            take(*line);
    }
    if (options.only_counts) {
        if (!title.empty())
            context.out.print(title, ':');
        context.out.print(matches, '\n');
    }
    return matches;
}

int grep(Context& context) {
    Options options;
    std::size_t first = 0;
    for (; context.argument(first).starts_with('-') && context.argument(first).size() > 1; ++first) {
        if (context.argument(first) == "--") {
            ++first;
            break;
        }
        for (auto const letter : context.argument(first).substr(1)) {
            switch (letter) {
            case 'i': options.search.ignores_case = true; break;
            case 'v': options.is_inverted = true; break;
            case 'n': options.shows_number = true; break;
            case 'c': options.only_counts = true; break;
            default: return context.usage();
            }
        }
    }
    if (first == context.argument_count())
        return context.usage();
    options.search.set(context.argument(first));
    std::uint64_t matches = 0;
    bool has_failed = false;
    auto const add = [&](std::string_view name, Result<std::uint64_t> const& found) {
        if (found) {
            matches += *found;
        } else if (found.error() != Error::interrupted) {
            has_failed = true;
            context.fail(name, found.error());
        }
    };
    auto const files = context.arguments().subspan(1 + first + 1);
    if (files.empty())
        add("input", search_channel(context, context.input(), options, ""));
    for (auto const name : files) {
        if (context.is_stopping())
            break;
        auto const search_file = [&]() -> Result<std::uint64_t> {
            auto const path = TRY(context.path(name));
            auto const found = TRY(context.shell().names().find(path));
            auto const file = TRY(open_for_reading(found));
            return search_channel(context, *file, options, files.size() > 1 ? name : std::string_view{});
        };
        add(name, search_file());
    }
    if (has_failed)
        return shell::status_usage;
    return matches != 0 ? 0 : shell::status_failure;
}

constexpr Command table[] = {
    {"grep", "[-i] [-v] [-n] [-c] TEXT [FILE...]",
     "print the lines that contain a text; ^ at its beginning and $ at its end hold it to those of the line", grep,
     Completes::paths},
};

}  // namespace

constinit std::span<Command const> const text_commands = table;

}  // namespace astrata::chevron
