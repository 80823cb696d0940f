#include "strates/test/benchmark/memory.h"

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "sdk/event_loop.h"
#include "sdk/memory.h"
#include "sdk/own.h"
#include "sdk/thread.h"
#include "strates/test/measure.h"

namespace astrata::benchmark_figures {

namespace {

constexpr std::uint64_t batch = 256;

/// Answers each request with a page of its own memory, which it has filled before and gives away: no more is copied than by a kernel whose
/// pagers map frames.
class Pager final : public sdk::PageRequestHandler {
public:
    void on_page_request(sdk::PageRequest request) override {
        auto const offset = request.first_page * page_size;
        // A request whose answer fails is answered by its handle's end.
        if (sys::pager_give(request.reply.get(), source.get(), offset, offset, page_size))
            request.finish();
    }
    static void serve(void* raw) {
        auto& self = *static_cast<Pager*>(raw);
        auto loop = sdk::EventLoop::create();
        if (loop && loop->serve_pages(std::move(self.endpoint), self))
            (void)loop->run();
    }

    sdk::UniqueHandle endpoint;
    sdk::UniqueHandle source;
};

std::uint64_t readable(abi::MapFlags flags = abi::MapFlags::none) {
    return sdk::access_and_flags(abi::Access::read, flags);
}

Result<sdk::UniqueHandle> resident_object(std::uint64_t pages) {
    sdk::UniqueHandle object(TRY(sys::memory_object_create(pages * page_size)));
    auto const filled =
        TRY(sdk::Mapping::map(object.get(), 0, pages * page_size, sdk::read_write, abi::MapFlags::populate));
    return object;
}

Result<std::uint64_t> map_pages(std::uint64_t count, std::uint64_t repeats) {
    auto const object = TRY(resident_object(count));
    return median_of([&]() -> Result<std::uint64_t> {
        std::uint64_t total = 0;
        for (std::uint64_t i = 0; i != repeats; ++i) {
            auto const start = ticks();
            auto const address = TRY(sys::address_space_map(sdk::own().home, object.get(), 0, 0, count * page_size,
                                                            readable(abi::MapFlags::populate)));
            total += ticks() - start;
            TRY(sys::address_space_unmap(sdk::own().home, address, count * page_size));
        }
        return total * 10 / repeats / count;
    });
}

}  // namespace

Result<std::uint64_t> pager_round_trip() {
    static Pager pager;
    auto const requests = TRY(sys::endpoint_create());
    pager.source = TRY(resident_object((rounds + 1) * batch));
    sdk::UniqueHandle const object(TRY(sys::memory_object_create_paged(requests, 1, (rounds + 1) * batch * page_size)));
    pager.endpoint = sdk::UniqueHandle(requests);
    auto const thread = TRY(sdk::Thread::spawn(Pager::serve, &pager, "pager"));
    auto const mapping = TRY(sdk::Mapping::map(object.get(), 0, (rounds + 1) * batch * page_size, abi::Access::read));
    auto const bytes = mapping.bytes();
    std::uint64_t next = 0;
    return measure(batch, [&]() -> Result<> {
        asm volatile("" : : "r"(bytes[next]));
        next += page_size;
        return {};
    });
}

Result<std::uint64_t> map_page() {
    return map_pages(1, 200);
}

Result<std::uint64_t> map_page_in_batch() {
    return map_pages(batch, 20);
}

}  // namespace astrata::benchmark_figures
