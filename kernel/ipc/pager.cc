// Page requests as messages: the faulting thread calls the pager's endpoint and sleeps until the answer.
#include "kernel/mem/pager.h"

#include "abi/kernel_calls.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

// A pager that dies with a request in hand drops the reply handle; its successor receives on the same endpoint, and the
// request is simply made again. The bound only stops a pager that does nothing but drop.
constexpr int attempt_limit = 100;

// The object that a reply handle of the caller asks pages for.
Result<Ref<MemoryObject>> requested_object(Thread& caller, Reply& reply, abi::Handle handle) {
    auto object = reply.paged_object(caller.process().handles().badge_of(handle));
    if (!object)
        return fail(Error::bad_state);
    return Ref<MemoryObject>::share(*object);
}

// Ends the request behind a reply handle; the faulting thread continues with `status`.
Result<> finish(Thread& caller, abi::Handle handle, std::uint32_t status) {
    auto const taken = TRY(caller.process().handles().take_reply(handle));
    auto const waiting = static_cast<Reply&>(*taken.object).claim(taken.badge, status);
    if (waiting)
        sched::make_ready(*waiting);
    return {};
}

}  // namespace

Result<> request_pages(KernelObject& pager_endpoint, MemoryObject& object, std::uint64_t key, std::uint64_t first_page,
                       std::uint64_t count) {
    auto& self = arch::current_thread();
    auto& endpoint = static_cast<Endpoint&>(pager_endpoint);
    for (int attempt = 0; attempt < attempt_limit; ++attempt) {
        self.request_words = {key, first_page, count};
        self.outgoing = {.info = abi::MessageInfo::make(0, 3 * sizeof(std::uint64_t)),
                         .words = self.request_words.data(),
                         .badge = 0,
                         .kind = abi::DeliveryKind::page_request};
        ++self.call_number;
        self.paged_object = &object;
        // A kick says nothing about the page, and whoever is kicked again and again must come to an end too.
        auto const result = endpoint.call(self);
        self.paged_object = nullptr;
        self.outgoing.kind = abi::DeliveryKind::message;  // what every other call of the thread is
        if (result || result.error() != Error::peer_closed || endpoint.is_closed())
            return result;
    }
    return fail(Error::io);
}

Result<> sys_pager_supply(Thread& caller, PagerSupplyArgs const& args) {
    auto const object = TRY(requested_object(caller, *args.reply, args.reply_value));
    TRY(object->supply(args.offset, *args.source, args.source_offset, args.length));
    return args.is_last != 0 ? finish(caller, args.reply_value, wake_normal) : ok();
}

Result<> sys_pager_give(Thread& caller, PagerGiveArgs const& args) {
    auto const object = TRY(requested_object(caller, *args.reply, args.reply_value));
    return object->supply(args.offset, *args.source, args.source_offset, args.length, MemoryObject::SupplyBy::move);
}

Result<> sys_pager_discard(Thread& caller, PagerDiscardArgs const& args) {
    auto const object = TRY(requested_object(caller, *args.reply, args.reply_value));
    return object->discard(args.offset, args.length);
}

Result<> sys_pager_fail(Thread& caller, PagerFailArgs const& args) {
    if (args.status == 0 || args.status > last_error)
        return fail(Error::invalid_argument);
    return finish(caller, args.reply_value, static_cast<std::uint32_t>(args.status));
}

}  // namespace astrata::kernel
