#include "strates/fs/ext4/pager.h"

#include <algorithm>
#include <utility>

#include "lib/async/spawn.h"

namespace astrata::ext4_strate {
namespace {

// One task at a time reads a file's pages: those that wait mostly want what it is reading.
class Busy {
public:
    explicit Busy(CachedFile& file) : file_(file) { file.is_busy = true; }
    Busy(Busy const&) = delete;
    Busy& operator=(Busy const&) = delete;
    ~Busy() {
        file_.is_busy = false;
        file_.idle.wake_all();
    }

private:
    CachedFile& file_;
};

}  // namespace

void Pager::on_page_request(sdk::PageRequest request) {
    async::spawn(answer(request), [](Result<>) {});
    // There was not even memory to start with. Asked again at once, that would be no better: whoever wants the page has
    // to see to it that there is some.
    refuse(request, Error::no_memory);
}

// What is answered already stays so.
void Pager::refuse(sdk::PageRequest& request, Error error) {
    if (request.reply)
        (void)sys::pager_fail(request.reply.release(), static_cast<std::uint64_t>(error));
}

// By reference, so that a frame that cannot be allocated leaves the request with the caller.
async::Task<Result<>> Pager::answer(sdk::PageRequest& asked) {
    auto request = std::move(asked);
    auto const result = co_await supply_pages(request);
    if (!result)
        refuse(request, result.error());
    co_return result;
}

async::Task<Result<>> Pager::supply_pages(sdk::PageRequest& request) {
    auto* const volume = CO_TRY(co_await mounted_.get());
    auto const number = static_cast<ext4::InodeNumber>(request.key);
    if (number != request.key)
        co_return fail(Error::not_found);
    auto const file = CO_TRY(co_await cache_.find(*volume, number));
    auto const page_count = pages_for(file->inode.size);
    if (request.first_page >= page_count || request.page_count == 0)
        co_return fail(Error::out_of_range);

    while (file->is_busy)
        co_await file->idle.wait();
    Busy const busy(*file);
    PageRun const asked{.first = request.first_page,
                        .count = std::min(request.page_count, page_count - request.first_page)};
    // Somebody else's request may have brought the pages while this one waited. Should they be gone again by now, the
    // reader asks once more.
    if (file->supplied.contains(asked) && file->supplied.count != 0) {
        file->supplied = {};
        auto const source = disk_.session()->peer().buffers();
        CO_TRY(sys::pager_supply(request.reply.get(), source, 0, asked.first * page_size, 0, 1));
        (void)request.reply.release();
        co_return ok();
    }

    auto ready = std::exchange(file->ready, std::nullopt);
    if (ready && ready->run.contains(asked)) {
        file->read_ahead.on_hit();
    } else {
        ready.reset();
        auto const run = file->read_ahead.on_request(asked, page_count);
        ready.emplace(CO_TRY(co_await read_pages(*volume, *file, run, asked)));
    }
    CO_TRY(supply(request, *file, *ready));
    auto const next = file->read_ahead.on_supplied(ready->run, page_count);
    ready.reset();
    if (next.count != 0)
        CO_TRY(co_await read_ahead(*volume, *file, next));
    co_return ok();
}

// Reads `run`, or as much of it as there are buffers for, but at least the start of `needed`.
async::Task<Result<ReadyPages>> Pager::read_pages(ext4::Volume& volume, CachedFile& file, PageRun run, PageRun needed) {
    for (;;) {
        if (auto buffer = disk_.try_allocate(run.count))
            co_return co_await read_into(volume, file, run, std::move(*buffer));
        if (cache_.drop_ready_pages())
            continue;
        if (run.count > 1) {
            // Half of it, from the page on that is really missing.
            run = {.first = needed.first,
                   .count = std::min(std::max(run.count / 2, std::uint64_t{1}), run.end() - needed.first)};
            continue;
        }
        CO_TRY(co_await disk_.wait_for_room());
    }
}

async::Task<Result<ReadyPages>> Pager::read_into(ext4::Volume& volume, CachedFile& file, PageRun run, Buffer buffer) {
    auto const bytes = CO_TRY(co_await volume.read(file.inode, run.first * page_size, buffer.bytes()));
    co_return ReadyPages{.run = run, .bytes = bytes, .buffer = std::move(buffer)};
}

// Only if it costs nobody anything, and an error is found again when the pages are asked for.
async::Task<Result<>> Pager::read_ahead(ext4::Volume& volume, CachedFile& file, PageRun run) {
    auto buffer = disk_.try_allocate(run.count);
    if (!buffer)
        co_return ok();
    auto pages = co_await read_into(volume, file, run, std::move(*buffer));
    if (pages)
        file.ready.emplace(std::move(*pages));
    co_return ok();
}

Result<> Pager::supply(sdk::PageRequest& request, CachedFile& file, ReadyPages const& pages) {
    auto const source = pages.buffer.session().peer().buffers();
    auto const supply_from = [&](std::uint64_t start, std::uint64_t end, bool is_last) {
        return sys::pager_supply(request.reply.get(), source, pages.buffer.offset() + start,
                                 pages.run.first * page_size + start, end - start, is_last ? 1 : 0);
    };
    auto supplied = pages.run;
    cache_.make_room(file, pages.run, request.reply.get());
    // Those before the page that was asked for would only be nice to have. With it the last part begins: Bedrock may
    // leave out what comes behind a part's first page, and has that one when it lets the reader go on.
    auto const skipped = std::min<std::uint64_t>((request.first_page - pages.run.first) * page_size, pages.bytes);
    if (skipped != 0)
        (void)supply_from(0, skipped, false);
    auto result = supply_from(skipped, pages.bytes, true);
    if (!result && result.error() == Error::no_memory) {
        cache_.free_all_but(file, pages.run, request.reply.get());
        result = supply_from(skipped, pages.bytes, true);
    }
    if (!result && result.error() == Error::no_memory) {
        // The one page without which the reader cannot go on.
        supplied = {.first = request.first_page, .count = 1};
        result = supply_from(skipped, std::min<std::uint64_t>(skipped + page_size, pages.bytes), true);
    }
    if (!result)
        return result;
    (void)request.reply.release();
    cache_.note_supplied(file, supplied);
    return {};
}

}  // namespace astrata::ext4_strate
