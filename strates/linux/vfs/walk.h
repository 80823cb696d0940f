// Path walk: from a path's text to the place it names (path_resolution(7)).
//
// The walk alternates between two parts. The fast one runs under the tree's mutex over cached entries, by plain
// pointers, and ends at the goal or at something that may wait: a name that is not cached, a link whose target is not
// at hand. The slow one then holds references to where the walk stands, does that one thing without the tree's mutex,
// and the fast part goes on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "strates/linux/core/credentials.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/vfs/context.h"
#include "strates/linux/vfs/path.h"

namespace astrata::linux_abi {

/// What to do with the last component of a path.
enum class LastComponent : std::uint8_t {
    follow,     ///< must exist; a symbolic link leads on
    no_follow,  ///< must exist; a symbolic link is the result (unless a slash follows it)
    parent,     ///< stop before it: the result is its directory and its name
};

/// Where relative paths begin: the working directory, or a directory file's path.
struct WalkStart {
    FileSystemContext const& context;
    Credentials const& credentials;
    Path const* directory = nullptr;  // null: the working directory
};

/// The directory that a path's last component is looked up in, for what creates, removes or renames it.
struct ParentOfLast {
    Path directory;
    std::string_view name;    // into the walker; empty if the last component is no name (., .., /)
    std::uint32_t name_hash = 0;
    bool is_dot = false;      // the path ended in .
    bool is_dot_dot = false;  // or in ..
    bool has_trailing_slash = false;
};

/// One walk. Holds the text of links that it follows, so results that point into it live as long as it does.
class Walker {
public:
    explicit Walker(WalkStart const& start) : start_(start) {}
    Walker(Walker const&) = delete;
    Walker& operator=(Walker const&) = delete;

    /// `path` is borrowed until the walker ends.
    /// errors    enoent (empty path, or a component is missing), enotdir, eacces, eloop, enametoolong, eio
    LinuxResult<Path> resolve(std::string_view path, LastComponent last);
    /// The same, for callers that only look at the inode: it is valid as long as the walker.
    LinuxResult<> walk(std::string_view path, LastComponent last);
    [[nodiscard]] Inode& inode() const { return *held_entry_->inode(); }
    LinuxResult<ParentOfLast> resolve_parent(std::string_view path);
    /// Goes on from a parent after a symbolic link was found as its last component, as open(O_CREAT) does.
    LinuxResult<ParentOfLast> resolve_parent_through_link(ParentOfLast const& link_parent, Path const& link);

private:
    enum class Step : std::uint8_t { done, lookup, link };

    LinuxResult<> go_on(LastComponent last);
    LinuxResult<Step> run_cached_locked(LastComponent last) REQUIRES(tree().mutex());
    void begin_locked() REQUIRES(tree().mutex());
    void go_up_locked() REQUIRES(tree().mutex());
    void descend_mounts_locked() REQUIRES(tree().mutex());
    void return_to_root_locked() REQUIRES(tree().mutex());
    LinuxResult<> look_up_slowly();
    LinuxResult<> follow_link_slowly();
    LinuxResult<> count_link();
    LinuxResult<> substitute(std::string_view target);
    bool take_component();
    ParentOfLast take_parent();

    WalkStart const start_;
    std::string_view rest_;       // not yet walked
    std::string_view component_;  // the one in work
    std::uint32_t component_hash_ = 0;
    bool is_component_pending_ = false;  // taken from rest_ but not walked
    bool is_component_last_ = false;     // nothing but slashes follows it
    bool has_trailing_slash_ = false;    // the whole path ends in one
    bool has_begun_ = false;
    bool is_at_root_next_ = false;  // an absolute link: go on from the root
    unsigned links_followed_ = 0;

    // Where the walk stands. Plain pointers, valid under the tree's mutex; the references keep them valid without it.
    Mount* mount_ = nullptr;
    Dentry* entry_ = nullptr;
    RefOrNull<Mount> held_mount_;
    RefOrNull<Dentry> held_entry_;
    RefOrNull<Dentry> found_;  // what the slow part found for component_
    RefOrNull<Dentry> link_;   // the link that the slow part shall follow

    // Texts of paths after substituting a link: the present one and the one being made.
    using Text = std::array<char, path_limit>;
    std::array<std::unique_ptr<Text>, 2> texts_;
    unsigned text_in_use_ = 0;
};

/// Looks `name` up in a directory, whose inode's mutex the caller holds; the result may be negative.
/// errors    eio, enoent (the directory was removed)
LinuxResult<Ref<Dentry>> look_up_child(Dentry& directory, Inode& inode, std::string_view name) REQUIRES(inode.mutex());

/// The same for a name that is to be made if there is none: null then, and nothing is remembered.
LinuxResult<RefOrNull<Dentry>> find_child(Dentry& directory, Inode& inode, std::string_view name, std::uint32_t hash)
    REQUIRES(inode.mutex());

/// The mount on top of `entry` seen through `mount`, followed down to the topmost.
Path topmost(Path path);

}  // namespace astrata::linux_abi
