// The FileSystem interface on a mounted volume. Each call is a task of its own; none makes another wait.
#pragma once

#include "abi/file_system.h"
#include "strates/fs/ext4/conversion.h"
#include "strates/fs/ext4/mounted_volume.h"
#include "strates/fs/ext4/page_cache.h"

namespace astrata::ext4_strate {

class FileServer final : public abi::FileSystemServer {
public:
    FileServer(MountedVolume& mounted, PageCache& cache) : mounted_(mounted), cache_(cache) {}

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

    // This file system is not written yet.
    void create(sdk::Caller const&, CreateRequest const&, CreateResponder) override;
    void create_link(sdk::Caller const&, CreateLinkRequest const&, CreateLinkResponder) override;
    void link(sdk::Caller const&, LinkRequest const&, LinkResponder) override;
    void remove(sdk::Caller const&, RemoveRequest const&, RemoveResponder) override;
    void rename(sdk::Caller const&, RenameRequest const&, RenameResponder) override;
    void set_attributes(sdk::Caller const&, SetAttributesRequest const&, SetAttributesResponder) override;
    void write(sdk::Caller const&, WriteRequest const&, WriteResponder) override;
    void sync(sdk::Caller const&, SyncRequest const&, SyncResponder) override;

private:
    // Copied out of a request, whose text is gone when its handler returns.
    using Name = abi::Text<ext4::name_limit>;

    struct Opened {
        sdk::UniqueHandle contents;
        std::uint64_t size = 0;
    };
    // Bytes of an answer that has not been sent yet.
    struct Block {
        std::array<std::byte, 4096> bytes;
        std::size_t size = 0;
        [[nodiscard]] Bytes used() const { return Bytes(bytes).first(size); }
    };

    async::Task<Result<std::uint64_t>> find_root();
    async::Task<Result<abi::FileSystemStatistics>> find_statistics();
    async::Task<Result<abi::NodeAttributes>> find_entry(std::uint64_t directory, Name name);
    async::Task<Result<abi::NodeAttributes>> find_attributes(std::uint64_t node);
    async::Task<Result<std::unique_ptr<ListingPacker>>> list(std::uint64_t directory, std::uint64_t cursor);
    async::Task<Result<std::unique_ptr<Block>>> find_target(std::uint64_t node);
    async::Task<Result<Opened>> open_contents(std::uint64_t node);
    async::Task<Result<std::unique_ptr<Block>>> find_value(std::uint64_t node, Name name);
    async::Task<Result<std::unique_ptr<NamePacker>>> list_names(std::uint64_t node);

    MountedVolume& mounted_;
    PageCache& cache_;
};

}  // namespace astrata::ext4_strate
