// Answers page requests of the files' memory objects from the disk.
// Budget of a sequential read: one page request for up to 64 pages, whose data is in memory already; one disk request,
// made while the reader works on the pages before; one copy, by Bedrock, from the driver's buffers into the page.
#pragma once

#include "sdk/event_loop.h"
#include "strates/fs/ext4/disk.h"
#include "strates/fs/ext4/mounted_volume.h"
#include "strates/fs/ext4/page_cache.h"

namespace astrata::ext4_strate {

class Pager final : public sdk::PageRequestHandler {
public:
    Pager(MountedVolume& mounted, Disk& disk, PageCache& cache) : mounted_(mounted), disk_(disk), cache_(cache) {}

    void on_page_request(sdk::PageRequest request) override;

private:
    static void refuse(sdk::PageRequest& request, Error error);
    async::Task<Result<>> answer(sdk::PageRequest& asked);
    async::Task<Result<>> supply_pages(sdk::PageRequest& request);
    async::Task<Result<ReadyPages>> read_pages(ext4::Volume& volume, CachedFile& file, PageRun run, PageRun needed);
    async::Task<Result<ReadyPages>> read_into(ext4::Volume& volume, CachedFile& file, PageRun run, Buffer buffer);
    async::Task<Result<>> read_ahead(ext4::Volume& volume, CachedFile& file, PageRun run);
    [[nodiscard]] Result<> supply(sdk::PageRequest& request, CachedFile& file, ReadyPages const& pages);

    MountedVolume& mounted_;
    Disk& disk_;
    PageCache& cache_;
};

}  // namespace astrata::ext4_strate
