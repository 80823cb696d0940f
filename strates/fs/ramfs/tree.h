// A file system tree in memory: names, nodes, links, attributes and the rules of POSIX for changing them. What files
// contain is kept by somebody else, behind Contents.
#pragma once

#include <memory>
#include <string_view>

#include "abi/file_system_types.h"
#include "lib/base/bytes.h"
#include "lib/base/intrusive_list.h"
#include "lib/base/result.h"
#include "lib/tree/avl_tree.h"

namespace astrata::ramfs {

inline constexpr std::size_t name_limit = 255;
inline constexpr std::size_t link_target_limit = 3900;
inline constexpr std::uint64_t block_size = 4096;

/// The bytes of one file.
class Contents {
public:
    virtual ~Contents() = default;
    [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
    [[nodiscard]] virtual Result<> set_size(std::uint64_t size) = 0;
    /// Grows the file if need be. Returns how much was written, less than asked for only if memory ran out half-way.
    [[nodiscard]] virtual Result<std::uint64_t> write(std::uint64_t offset, Bytes bytes) = 0;
};

/// Where new files get their contents.
class ContentsSource {
public:
    virtual ~ContentsSource() = default;
    [[nodiscard]] virtual Result<std::unique_ptr<Contents>> create_empty() = 0;
};

/// Who a new node belongs to, and what it is.
struct NewNode {
    abi::NodeKind kind = abi::NodeKind::file;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t device = 0;
};

struct Entry;

struct Node : AvlLink {  // in Tree::nodes_, by id
    std::uint64_t id = 0;
    NewNode meta;
    std::uint32_t links = 0;
    std::int64_t accessed_ns = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::int64_t created_ns = 0;

    std::unique_ptr<Contents> contents;  // of a file that has a name
    std::uint64_t last_size = 0;         // of a file that lost its last name
    bool was_opened = false;             // somebody may still use it when its last name goes
    ListLink<Node> orphan_link;

    std::unique_ptr<char[]> target;  // of a symbolic link
    std::uint32_t target_length = 0;

    // Of a directory. Entries are found by name, and listed in the order in which they were made, so that a listing in
    // progress neither repeats nor skips what stays.
    struct ByName {
        std::string_view operator()(Entry const& entry) const;
    };
    struct Position : AvlLink {
        Entry* entry = nullptr;
        std::uint64_t sequence = 0;
    };
    struct BySequence {
        std::uint64_t operator()(Position const& position) const { return position.sequence; }
    };
    AvlTree<Entry, ByName> by_name;
    AvlTree<Position, BySequence> by_sequence;
    std::uint64_t next_sequence = 0;
    Node* parent = nullptr;

    [[nodiscard]] bool is_directory() const { return meta.kind == abi::NodeKind::directory; }
};

/// A name in a directory.
struct Entry : AvlLink {
    std::unique_ptr<char[]> bytes;
    std::uint8_t length = 0;
    Node* node = nullptr;
    Node::Position position;

    [[nodiscard]] std::string_view name() const { return {bytes.get(), length}; }
};

inline std::string_view Node::ByName::operator()(Entry const& entry) const {
    return entry.name();
}

/// All operations take the present time, so that tests can choose it. Not thread-safe.
class Tree {
public:
    static constexpr std::uint64_t root = 1;
    /// Files without a name whose attributes stay readable for those who have them open.
    static constexpr std::size_t orphan_limit = 256;

    /// A tree with an empty root directory. `source` is borrowed.
    [[nodiscard]] static Result<std::unique_ptr<Tree>> create(ContentsSource& source, std::int64_t now);
    ~Tree();
    Tree(Tree const&) = delete;
    Tree& operator=(Tree const&) = delete;

    /// errors    not_found, not_a_directory, name_too_long
    [[nodiscard]] Result<abi::NodeAttributes> lookup(std::uint64_t directory, std::string_view name);
    /// errors    not_found
    [[nodiscard]] Result<abi::NodeAttributes> attributes(std::uint64_t node);
    /// Packs entries from `cursor` on into `into` as FileSystem.read_directory describes. Returns the bytes used.
    /// errors    not_found, not_a_directory
    [[nodiscard]] Result<std::size_t> read_directory(std::uint64_t directory, std::uint64_t cursor, MutableBytes into);
    /// errors    not_found, invalid_argument (not a symbolic link)
    [[nodiscard]] Result<std::string_view> read_link(std::uint64_t node);
    /// The contents of a file, borrowed until the next change of the tree.
    /// errors    not_found, is_a_directory, invalid_argument (neither file nor directory)
    [[nodiscard]] Result<Contents*> open(std::uint64_t node);

    /// errors    not_found, not_a_directory, already_exists, invalid_argument (the name or the kind), name_too_long,
    /// no_memory
    [[nodiscard]] Result<abi::NodeAttributes> create(std::uint64_t directory, std::string_view name,
                                                     NewNode const& meta, std::int64_t now);
    /// As create; a file whose contents exist already.
    [[nodiscard]] Result<abi::NodeAttributes> create_file(std::uint64_t directory, std::string_view name,
                                                          NewNode const& meta, std::unique_ptr<Contents> contents,
                                                          std::int64_t now);
    /// As create; also name_too_long (the target), invalid_argument (an empty target).
    [[nodiscard]] Result<abi::NodeAttributes> create_link(std::uint64_t directory, std::string_view name,
                                                          std::string_view target, NewNode const& meta,
                                                          std::int64_t now);
    /// Another name for a node that is not a directory.
    /// errors    as create; is_a_directory, too_many_links is never returned: 2^32 - 1 names do not fit into memory
    [[nodiscard]] Result<> link(std::uint64_t node, std::uint64_t directory, std::string_view name, std::int64_t now);
    /// errors    not_found, not_empty, is_a_directory / not_a_directory (not what was expected), invalid_argument (. or
    /// ..)
    [[nodiscard]] Result<> remove(std::uint64_t directory, std::string_view name, bool expects_directory,
                                  std::int64_t now);
    /// Replaces what has the new name, if rename(2) would.
    /// errors    not_found, not_a_directory, is_a_directory, not_empty, invalid_argument (into itself, . or ..),
    /// no_memory
    [[nodiscard]] Result<> rename(std::uint64_t directory, std::string_view name, std::uint64_t new_directory,
                                  std::string_view new_name, std::int64_t now);
    /// errors    not_found, is_a_directory / invalid_argument (size of what is no file), no_memory
    [[nodiscard]] Result<> set_attributes(std::uint64_t node, abi::AttributeMask mask,
                                          abi::NodeAttributes const& values, std::int64_t now);
    /// errors    not_found, is_a_directory, invalid_argument (not a file), no_memory
    [[nodiscard]] Result<std::uint64_t> write(std::uint64_t node, std::uint64_t offset, Bytes bytes, std::int64_t now);

    [[nodiscard]] std::uint64_t node_count() const { return node_count_; }

private:
    explicit Tree(ContentsSource& source) : source_(source) {}

    struct ById {
        std::uint64_t operator()(Node const& node) const { return node.id; }
    };

    Result<Node*> find(std::uint64_t id);
    Result<Node*> find_directory(std::uint64_t id);
    Result<Node*> find_file(std::uint64_t id);
    Result<Node*> resolve(Node& directory, std::string_view name);
    Result<std::unique_ptr<Node>> make_node(NewNode const& meta, std::int64_t now);
    Result<abi::NodeAttributes> adopt(Node& directory, std::string_view name, std::unique_ptr<Node> node,
                                      std::int64_t now);
    void enter(Node& directory, std::unique_ptr<Entry> entry, Node& node);
    void leave(Node& directory, Entry& entry);
    void drop_name(Node& node, std::int64_t now);
    void discard(Node& node);
    abi::NodeAttributes attributes_of(Node& node);

    ContentsSource& source_;
    AvlTree<Node, ById> nodes_;
    IntrusiveList<Node, &Node::orphan_link> orphans_;  // oldest first
    std::size_t orphan_count_ = 0;
    std::uint64_t next_id_ = root;
    std::uint64_t node_count_ = 0;
};

}  // namespace astrata::ramfs
