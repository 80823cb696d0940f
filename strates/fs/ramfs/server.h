// The FileSystem interface on a tree.
#pragma once

#include "abi/file_system.h"
#include "strates/fs/ramfs/contents.h"

namespace astrata::ramfs {

class RamfsServer final : public abi::FileSystemServer {
public:
    /// silo    own, for statistics; borrowed
    RamfsServer(Tree& tree, abi::Handle silo) : tree_(tree), silo_(silo) {}

    void root(sdk::Caller const&, RootRequest const&, RootResponder) override;
    void statistics(sdk::Caller const&, StatisticsRequest const&, StatisticsResponder) override;
    void lookup(sdk::Caller const&, LookupRequest const&, LookupResponder) override;
    void attributes(sdk::Caller const&, AttributesRequest const&, AttributesResponder) override;
    void read_directory(sdk::Caller const&, ReadDirectoryRequest const&, ReadDirectoryResponder) override;
    void read_link(sdk::Caller const&, ReadLinkRequest const&, ReadLinkResponder) override;
    void open(sdk::Caller const&, OpenRequest const&, OpenResponder) override;
    void get_extended_attribute(sdk::Caller const&, GetExtendedAttributeRequest const&,
                                GetExtendedAttributeResponder) override;
    void list_extended_attributes(sdk::Caller const&, ListExtendedAttributesRequest const&,
                                  ListExtendedAttributesResponder) override;
    void create(sdk::Caller const&, CreateRequest const&, CreateResponder) override;
    void create_link(sdk::Caller const&, CreateLinkRequest const&, CreateLinkResponder) override;
    void link(sdk::Caller const&, LinkRequest const&, LinkResponder) override;
    void remove(sdk::Caller const&, RemoveRequest const&, RemoveResponder) override;
    void rename(sdk::Caller const&, RenameRequest const&, RenameResponder) override;
    void set_attributes(sdk::Caller const&, SetAttributesRequest const&, SetAttributesResponder) override;
    void write(sdk::Caller const&, WriteRequest const&, WriteResponder) override;
    void sync(sdk::Caller const&, SyncRequest const&, SyncResponder) override;

private:
    Tree& tree_;
    abi::Handle silo_;
};

/// Now, as times of nodes count it.
[[nodiscard]] inline std::int64_t wall_time() {
    return static_cast<std::int64_t>(sys::clock_wall_ns());
}

}  // namespace astrata::ramfs
