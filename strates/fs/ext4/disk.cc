#include "strates/fs/ext4/disk.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace astrata::ext4_strate {
namespace {

constexpr std::uint64_t request_limit = 1 << 20;  // bytes in one request

// Where `part` starts in `whole`; nothing when it does not lie inside.
std::optional<std::uint64_t> offset_in(Bytes whole, Bytes part) {
    auto const start = std::bit_cast<std::uintptr_t>(whole.data());
    auto const first = std::bit_cast<std::uintptr_t>(part.data());
    if (first < start || first - start > whole.size() || whole.size() - (first - start) < part.size())
        return std::nullopt;
    return first - start;
}

}  // namespace

async::Task<Result<>> Disk::read(std::uint64_t first, std::uint64_t count, MutableBytes into) {
    if (first > block_count_ || count > block_count_ - first || into.size() != count * block_size_)
        co_return fail(Error::out_of_range);
    while (count != 0) {
        auto const now = std::min<std::uint64_t>(count, request_limit / block_size_);
        auto const part = into.first(now * block_size_);
        auto const offset = session_ ? offset_in(session_->buffers(), part) : std::nullopt;
        if (offset) {
            auto const result = co_await session_->read(first, static_cast<std::uint32_t>(now), *offset);
            // In the next session `part` is ordinary memory.
            if (!result && result.error() == Error::peer_closed)
                continue;
            if (!result)
                co_return result;
        } else {
            CO_TRY(co_await read_bounced(first, now, part));
        }
        first += now;
        count -= now;
        into = into.subspan(part.size());
    }
    co_return ok();
}

async::Task<Result<>> Disk::read_bounced(std::uint64_t first, std::uint64_t count, MutableBytes into) {
    while (count != 0) {
        auto const wanted = std::min<std::uint64_t>(count * block_size_, bounce_pages * page_size);
        auto const buffer = CO_TRY(co_await allocate_bounce(pages_for(wanted)));
        auto const now = std::min<std::uint64_t>(count, buffer.bytes().size() / block_size_);
        auto const bytes = now * block_size_;
        auto const result = co_await buffer.session().read(first, static_cast<std::uint32_t>(now), buffer.offset());
        if (!result && result.error() == Error::peer_closed)
            continue;
        if (!result)
            co_return result;
        std::ranges::copy(buffer.bytes().first(bytes), into.begin());
        first += now;
        count -= now;
        into = into.subspan(bytes);
    }
    co_return ok();
}

// At least one page, up to `pages`.
async::Task<Result<Buffer>> Disk::allocate_bounce(std::size_t pages) {
    for (;;) {
        for (auto count = has_session() ? pages : 0; count != 0; count /= 2) {
            if (auto buffer = Buffer::allocate(Ref<Session>::share(*session_), count))
                co_return std::move(*buffer);
        }
        CO_TRY(co_await wait_for_room());
    }
}

std::optional<Buffer> Disk::try_allocate(std::size_t pages) {
    if (!has_session() || session_->pool().free_pages() < pages + reserved_pages)
        return std::nullopt;
    return Buffer::allocate(Ref<Session>::share(*session_), pages);
}

async::Task<Result<>> Disk::wait_for_room() {
    if (has_session()) {
        auto const session = Ref<Session>::share(*session_);
        co_await session->room().wait();
    } else {
        co_await attached_.wait();
    }
    co_return ok();
}

void Disk::attach(Ref<Session> session) {
    auto former = std::exchange(session_, RefOrNull<Session>(std::move(session)));
    if (former)
        former->end();
    attached_.wake_all();
}

}  // namespace astrata::ext4_strate
