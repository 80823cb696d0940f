#include "strates/fs/ramfs/population.h"

#include "lib/cpio/archive.h"

namespace astrata::ramfs {

namespace {

constexpr std::uint32_t type_mask = 0170000, type_link = 0120000, type_fifo = 0010000;

class Populator {
public:
    Populator(Tree& tree, ArchiveContentsSource& source, std::int64_t now) : tree_(tree), source_(source), now_(now) {}

    // `path` is relative to the root of the tree.
    Result<> add(std::string_view path, cpio::Entry const& entry) {
        auto directory = Tree::root;
        std::string_view name;
        while (!path.empty()) {
            auto const slash = path.find('/');
            auto const component = path.substr(0, slash);
            path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
            if (component.empty() || component == ".")
                continue;
            if (component == "..")
                return fail(Error::invalid_argument);
            if (!name.empty())
                directory = TRY(folder(directory, name));
            name = component;
        }
        return add_node(directory, name, entry);
    }

private:
    Result<std::uint64_t> folder(std::uint64_t parent, std::string_view name) {
        if (auto const found = tree_.lookup(parent, name))
            return found->node;
        return TRY(tree_.create(parent, name, {.kind = abi::NodeKind::directory, .mode = 0755}, now_)).node;
    }

    Result<> add_node(std::uint64_t directory, std::string_view name, cpio::Entry const& entry) {
        NewNode const meta{.mode = entry.mode};
        if (entry.is_directory()) {
            auto const node = name.empty() ? Tree::root : TRY(folder(directory, name));
            return tree_.set_attributes(node, abi::AttributeMask::mode, {.mode = entry.mode}, now_);
        }
        if (entry.is_file()) {
            auto contents = TRY(source_.from_archive(entry.contents_offset, entry.contents.size()));
            TRY(tree_.create_file(directory, name, meta, std::move(contents), now_));
            return {};
        }
        switch (entry.mode & type_mask) {
        case type_link: TRY(tree_.create_link(directory, name, as_text(entry.contents), meta, now_)); return {};
        case type_fifo:
            TRY(tree_.create(directory, name, {.kind = abi::NodeKind::fifo, .mode = entry.mode}, now_));
            return {};
        default: return fail(Error::not_supported);
        }
    }

    Tree& tree_;
    ArchiveContentsSource& source_;
    std::int64_t now_;
};

}  // namespace

Result<Population> populate(Tree& tree, Bytes archive, std::string_view prefix, ArchiveContentsSource& source,
                            std::int64_t now) {
    Population population;
    Populator populator(tree, source, now);
    cpio::Reader reader(archive);
    auto const folder = prefix.ends_with('/') ? prefix.substr(0, prefix.size() - 1) : prefix;
    while (auto const entry = TRY(reader.next())) {
        if (!entry->name.starts_with(folder))
            continue;
        auto rest = entry->name.substr(folder.size());
        if (!folder.empty() && !rest.empty() && !rest.starts_with('/'))
            continue;  // "rootless" is not below "root"
        auto const added = populator.add(rest, *entry);
        if (added)
            ++population.entries;
        else if (added.error() == Error::no_memory)
            return fail(Error::no_memory);
        else
            ++population.skipped;
    }
    return population;
}

}  // namespace astrata::ramfs
