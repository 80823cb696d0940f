#include "strates/fs/ramfs/tree.h"

#include <algorithm>
#include <new>

namespace astrata::ramfs {

namespace {

constexpr std::uint32_t mode_mask = 07777;

Result<> check_name(std::string_view name) {
    if (name.size() > name_limit)
        return fail(Error::name_too_long);
    if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos)
        return fail(Error::invalid_argument);
    return {};
}

// Names that every directory has and nobody may make, remove or rename.
bool is_dots(std::string_view name) {
    return name == "." || name == "..";
}

Result<> check_new_name(std::string_view name) {
    TRY(check_name(name));
    if (is_dots(name))
        return fail(Error::already_exists);
    return {};
}

Result<std::unique_ptr<char[]>> copy_of(std::string_view text) {
    std::unique_ptr<char[]> copy(new (std::nothrow) char[text.size()]);
    if (copy == nullptr)
        return fail(Error::no_memory);
    std::ranges::copy(text, copy.get());
    return copy;
}

Result<std::unique_ptr<Entry>> make_entry(std::string_view name) {
    std::unique_ptr<Entry> entry(new (std::nothrow) Entry);
    if (entry == nullptr)
        return fail(Error::no_memory);
    entry->bytes = TRY(copy_of(name));
    entry->length = static_cast<std::uint8_t>(name.size());
    entry->position.entry = entry.get();
    return entry;
}

// Packs directory entries one behind the other.
class EntryPacker {
public:
    explicit EntryPacker(MutableBytes into) : into_(into) {}

    /// False when it does not fit any more.
    bool add(std::uint64_t node, std::uint64_t next_cursor, abi::NodeKind kind, std::string_view name) {
        if (into_.size() - used_ < 18 + name.size())
            return false;
        put(node);
        put(next_cursor);
        put(static_cast<std::uint8_t>(kind));
        put(static_cast<std::uint8_t>(name.size()));
        std::ranges::copy(as_bytes(name), into_.subspan(used_).begin());
        used_ += name.size();
        return true;
    }
    [[nodiscard]] std::size_t used() const { return used_; }

private:
    template <typename T>
    void put(T value) {
        (void)store(into_, used_, value);  // add() made sure that there is room
        used_ += sizeof(T);
    }
    MutableBytes into_;
    std::size_t used_ = 0;
};

// Cursors 0 and 1 stand for . and .., so entries are numbered from here on.
constexpr std::uint64_t first_sequence = 2;

}  // namespace

Result<std::unique_ptr<Tree>> Tree::create(ContentsSource& source, std::int64_t now) {
    std::unique_ptr<Tree> tree(new (std::nothrow) Tree(source));
    if (tree == nullptr)
        return fail(Error::no_memory);
    auto node = TRY(tree->make_node({.kind = abi::NodeKind::directory, .mode = 0755}, now));
    node->links = 2;
    node->parent = node.get();
    tree->nodes_.insert(*node);
    ++tree->node_count_;
    (void)node.release();  // owned by the tree from here on
    return tree;
}

Tree::~Tree() {
    while (auto* const node = nodes_.root()) {
        while (auto* const entry = node->by_name.root()) {
            leave(*node, *entry);
            delete entry;
        }
        discard(*node);
    }
}

Result<Node*> Tree::find(std::uint64_t id) {
    auto* const node = nodes_.find(id);
    if (node == nullptr)
        return fail(Error::not_found);
    return node;
}

Result<Node*> Tree::find_directory(std::uint64_t id) {
    auto* const node = TRY(find(id));
    if (!node->is_directory())
        return fail(Error::not_a_directory);
    return node;
}

Result<Node*> Tree::find_file(std::uint64_t id) {
    auto* const node = TRY(find(id));
    if (node->is_directory())
        return fail(Error::is_a_directory);
    if (node->meta.kind != abi::NodeKind::file)
        return fail(Error::invalid_argument);
    return node;
}

Result<Node*> Tree::resolve(Node& directory, std::string_view name) {
    TRY(check_name(name));
    if (name == ".")
        return &directory;
    if (name == "..")
        return directory.parent;
    auto* const entry = directory.by_name.find(name);
    if (entry == nullptr)
        return fail(Error::not_found);
    return entry->node;
}

Result<std::unique_ptr<Node>> Tree::make_node(NewNode const& meta, std::int64_t now) {
    std::unique_ptr<Node> node(new (std::nothrow) Node);
    if (node == nullptr)
        return fail(Error::no_memory);
    node->id = next_id_++;
    node->meta = meta;
    node->meta.mode &= mode_mask;
    node->next_sequence = first_sequence;
    node->accessed_ns = node->modified_ns = node->changed_ns = node->created_ns = now;
    return node;
}

void Tree::enter(Node& directory, std::unique_ptr<Entry> entry, Node& node) {
    entry->node = &node;
    entry->position.sequence = directory.next_sequence++;
    directory.by_sequence.insert(entry->position);
    directory.by_name.insert(*entry.release());  // owned by the directory from here on
}

// Takes the entry out; its memory is the caller's again.
void Tree::leave(Node& directory, Entry& entry) {
    directory.by_name.remove(entry);
    directory.by_sequence.remove(entry.position);
}

Result<abi::NodeAttributes> Tree::adopt(Node& directory, std::string_view name, std::unique_ptr<Node> node,
                                        std::int64_t now) {
    TRY(check_new_name(name));
    if (directory.by_name.find(name) != nullptr)
        return fail(Error::already_exists);
    auto entry = TRY(make_entry(name));
    auto& added = *node.release();  // nothing fails from here on; the tree owns it
    nodes_.insert(added);
    ++node_count_;
    added.links = added.is_directory() ? 2 : 1;
    if (added.is_directory()) {
        added.parent = &directory;
        ++directory.links;
    }
    enter(directory, std::move(entry), added);
    directory.modified_ns = directory.changed_ns = now;
    return attributes_of(added);
}

abi::NodeAttributes Tree::attributes_of(Node& node) {
    std::uint64_t size = 0;
    switch (node.meta.kind) {
    case abi::NodeKind::file:
        size = node.contents != nullptr ? node.contents->size().value_or(node.last_size) : node.last_size;
        break;
    case abi::NodeKind::directory: size = block_size; break;
    case abi::NodeKind::symbolic_link: size = node.target_length; break;
    default: break;
    }
    auto const blocks =
        node.meta.kind == abi::NodeKind::file ? size / block_size + (size % block_size != 0 ? 1 : 0) : 0;
    return {.node = node.id,
            .size = size,
            .blocks_512 = blocks * (block_size / 512),
            .kind = node.meta.kind,
            .mode = node.meta.mode,
            .uid = node.meta.uid,
            .gid = node.meta.gid,
            .links = node.links,
            .device = node.meta.device,
            .accessed_ns = node.accessed_ns,
            .modified_ns = node.modified_ns,
            .changed_ns = node.changed_ns,
            .created_ns = node.created_ns};
}

Result<abi::NodeAttributes> Tree::lookup(std::uint64_t directory, std::string_view name) {
    auto* const node = TRY(find_directory(directory));
    return attributes_of(*TRY(resolve(*node, name)));
}

Result<abi::NodeAttributes> Tree::attributes(std::uint64_t node) {
    return attributes_of(*TRY(find(node)));
}

Result<std::size_t> Tree::read_directory(std::uint64_t directory, std::uint64_t cursor, MutableBytes into) {
    auto* const node = TRY(find_directory(directory));
    EntryPacker packer(into);
    if (cursor == 0 && !packer.add(node->id, 1, abi::NodeKind::directory, "."))
        return packer.used();
    if (cursor <= 1 && !packer.add(node->parent->id, first_sequence, abi::NodeKind::directory, ".."))
        return packer.used();
    auto* position = node->by_sequence.lower_bound(std::max(cursor, first_sequence));
    for (; position != nullptr; position = AvlTree<Node::Position, Node::BySequence>::next(*position)) {
        auto const& entry = *position->entry;
        if (!packer.add(entry.node->id, position->sequence + 1, entry.node->meta.kind, entry.name()))
            break;
    }
    return packer.used();
}

Result<std::string_view> Tree::read_link(std::uint64_t id) {
    auto* const node = TRY(find(id));
    if (node->meta.kind != abi::NodeKind::symbolic_link)
        return fail(Error::invalid_argument);
    return std::string_view(node->target.get(), node->target_length);
}

Result<Contents*> Tree::open(std::uint64_t id) {
    auto* const node = TRY(find_file(id));
    if (node->contents == nullptr)
        return fail(Error::not_found);  // an orphan: those who had it open have its memory object
    node->was_opened = true;
    return node->contents.get();
}

Result<abi::NodeAttributes> Tree::create(std::uint64_t directory, std::string_view name, NewNode const& meta,
                                         std::int64_t now) {
    auto* const parent = TRY(find_directory(directory));
    if (meta.kind == abi::NodeKind::symbolic_link)
        return fail(Error::invalid_argument);
    auto node = TRY(make_node(meta, now));
    if (meta.kind == abi::NodeKind::file)
        node->contents = TRY(source_.create_empty());
    return adopt(*parent, name, std::move(node), now);
}

Result<abi::NodeAttributes> Tree::create_file(std::uint64_t directory, std::string_view name, NewNode const& meta,
                                              std::unique_ptr<Contents> contents, std::int64_t now) {
    auto* const parent = TRY(find_directory(directory));
    if (meta.kind != abi::NodeKind::file)
        return fail(Error::invalid_argument);
    auto node = TRY(make_node(meta, now));
    node->contents = std::move(contents);
    return adopt(*parent, name, std::move(node), now);
}

Result<abi::NodeAttributes> Tree::create_link(std::uint64_t directory, std::string_view name, std::string_view target,
                                              NewNode const& meta, std::int64_t now) {
    auto* const parent = TRY(find_directory(directory));
    if (target.size() > link_target_limit)
        return fail(Error::name_too_long);
    if (target.empty() || target.find('\0') != target.npos)
        return fail(Error::invalid_argument);
    auto link_meta = meta;
    link_meta.kind = abi::NodeKind::symbolic_link;
    auto node = TRY(make_node(link_meta, now));
    node->target = TRY(copy_of(target));
    node->target_length = static_cast<std::uint32_t>(target.size());
    return adopt(*parent, name, std::move(node), now);
}

Result<> Tree::link(std::uint64_t id, std::uint64_t directory, std::string_view name, std::int64_t now) {
    auto* const node = TRY(find(id));
    auto* const parent = TRY(find_directory(directory));
    if (node->is_directory())
        return fail(Error::is_a_directory);
    if (node->links == 0)
        return fail(Error::not_found);
    TRY(check_new_name(name));
    if (parent->by_name.find(name) != nullptr)
        return fail(Error::already_exists);
    enter(*parent, TRY(make_entry(name)), *node);
    ++node->links;
    node->changed_ns = now;
    parent->modified_ns = parent->changed_ns = now;
    return {};
}

// One name of the node is gone; with the last one the node goes too.
void Tree::drop_name(Node& node, std::int64_t now) {
    node.changed_ns = now;
    if (node.is_directory()) {
        --node.parent->links;
        node.links = 0;
    } else {
        --node.links;
    }
    if (node.links != 0)
        return;
    if (!node.was_opened)
        return discard(node);
    // Attributes stay for those who have it open. Its memory goes when they close their handle to it.
    node.last_size = node.contents->size().value_or(0);
    node.contents.reset();
    orphans_.push_back(node);
    if (++orphan_count_ > orphan_limit)
        discard(*orphans_.front());
}

void Tree::discard(Node& node) {
    if (node.orphan_link.is_linked) {
        orphans_.remove(node);
        --orphan_count_;
    }
    nodes_.remove(node);
    --node_count_;
    delete &node;
}

Result<> Tree::remove(std::uint64_t directory, std::string_view name, bool expects_directory, std::int64_t now) {
    auto* const parent = TRY(find_directory(directory));
    TRY(check_name(name));
    if (name == "..")
        return fail(Error::not_empty);
    if (name == ".")
        return fail(Error::invalid_argument);
    auto* const entry = parent->by_name.find(name);
    if (entry == nullptr)
        return fail(Error::not_found);
    auto& node = *entry->node;
    if (expects_directory && !node.is_directory())
        return fail(Error::not_a_directory);
    if (!expects_directory && node.is_directory())
        return fail(Error::is_a_directory);
    if (node.is_directory() && !node.by_name.is_empty())
        return fail(Error::not_empty);
    leave(*parent, *entry);
    delete entry;
    drop_name(node, now);
    parent->modified_ns = parent->changed_ns = now;
    return {};
}

Result<> Tree::rename(std::uint64_t directory, std::string_view name, std::uint64_t new_directory,
                      std::string_view new_name, std::int64_t now) {
    auto* const from = TRY(find_directory(directory));
    auto* const to = TRY(find_directory(new_directory));
    TRY(check_name(name));
    TRY(check_name(new_name));
    if (is_dots(name) || is_dots(new_name))
        return fail(Error::invalid_argument);
    auto* const entry = from->by_name.find(name);
    if (entry == nullptr)
        return fail(Error::not_found);
    auto& node = *entry->node;
    if (node.is_directory()) {
        for (auto* above = to;; above = above->parent) {
            if (above == &node)
                return fail(Error::invalid_argument);  // into itself or below
            if (above == above->parent)
                break;
        }
    }
    auto* const replaced = to->by_name.find(new_name);
    if (replaced != nullptr) {
        auto& old = *replaced->node;
        if (&old == &node)
            return {};  // two names of one node: POSIX wants nothing done
        if (old.is_directory() && !node.is_directory())
            return fail(Error::is_a_directory);
        if (!old.is_directory() && node.is_directory())
            return fail(Error::not_a_directory);
        if (old.is_directory() && !old.by_name.is_empty())
            return fail(Error::not_empty);
        replaced->node = &node;
        drop_name(old, now);
    } else {
        enter(*to, TRY(make_entry(new_name)), node);
    }
    // Nothing failed before anything changed, and nothing fails from here on.
    leave(*from, *entry);
    delete entry;
    if (node.is_directory() && from != to) {
        node.parent = to;
        --from->links;
        ++to->links;
    }
    node.changed_ns = now;
    from->modified_ns = from->changed_ns = now;
    to->modified_ns = to->changed_ns = now;
    return {};
}

Result<> Tree::set_attributes(std::uint64_t id, abi::AttributeMask mask, abi::NodeAttributes const& values,
                              std::int64_t now) {
    auto* const node = TRY(find(id));
    if (has(mask, abi::AttributeMask::size)) {
        TRY(find_file(id));
        if (node->contents != nullptr)
            TRY(node->contents->set_size(values.size));
        else
            node->last_size = values.size;
        node->modified_ns = now;
    }
    if (has(mask, abi::AttributeMask::mode))
        node->meta.mode = values.mode & mode_mask;
    if (has(mask, abi::AttributeMask::uid))
        node->meta.uid = values.uid;
    if (has(mask, abi::AttributeMask::gid))
        node->meta.gid = values.gid;
    if (has(mask, abi::AttributeMask::accessed))
        node->accessed_ns = values.accessed_ns;
    if (has(mask, abi::AttributeMask::modified))
        node->modified_ns = values.modified_ns;
    node->changed_ns = now;
    return {};
}

Result<std::uint64_t> Tree::write(std::uint64_t id, std::uint64_t offset, Bytes bytes, std::int64_t now) {
    auto* const node = TRY(find_file(id));
    if (node->contents == nullptr)
        return fail(Error::not_found);
    if (offset + bytes.size() < offset)
        return fail(Error::out_of_range);
    auto const written = TRY(node->contents->write(offset, bytes));
    node->modified_ns = node->changed_ns = now;
    return written;
}

}  // namespace astrata::ramfs
