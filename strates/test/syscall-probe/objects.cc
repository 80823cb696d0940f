#include "strates/test/syscall-probe/objects.h"

namespace astrata::syscall_probe {

Result<Objects> Objects::create(Environment const& environment) {
    using abi::ObjectKind;
    using abi::Rights;
    Objects made;
    made.set(ObjectKind::silo,
             TRY(sys::handle_duplicate(environment.silo.get(), Rights::inspect | Rights::duplicate, 0)));
    made.set(ObjectKind::process,
             TRY(sys::handle_duplicate(environment.self.get(),
                                       Rights::manage | Rights::inspect | Rights::duplicate | Rights::receive, 0)));
    made.set(ObjectKind::thread, TRY(sys::handle_duplicate(environment.thread.get(),
                                                           Rights::manage | Rights::inspect | Rights::duplicate, 0)));
    made.set(ObjectKind::address_space, TRY(sys::address_space_create()));
    made.set(ObjectKind::memory_object, TRY(sys::memory_object_create(page_size)));
    made.set(ObjectKind::endpoint, TRY(sys::endpoint_create()));
    made.set(ObjectKind::notification, TRY(sys::notification_create()));
    made.set(ObjectKind::wait_set, TRY(sys::wait_set_create()));
    made.set(ObjectKind::timer, TRY(sys::timer_create()));
    made.set(ObjectKind::log, TRY(sys::log_create(page_size)));
    // Something to copy out, so that a bad pointer is noticed.
    constexpr std::uint64_t guest_address = 0x10000;
    TRY(sys::address_space_map_anonymous(made.of_kind(static_cast<std::uint32_t>(ObjectKind::address_space)),
                                         guest_address, page_size, static_cast<std::uint64_t>(abi::Access::read)));
    TRY(sys::log_write(made.of_kind(static_cast<std::uint32_t>(ObjectKind::log)),
                       as_bytes(std::string_view("a line"))));
    made.stale_ = TRY(sys::notification_create());
    TRY(sys::handle_close(made.stale_));
    return made;
}

sdk::UniqueHandle Objects::without_rights(std::uint32_t kind) const {
    auto const handle = of_kind(kind == 0 ? static_cast<std::uint32_t>(abi::ObjectKind::notification) : kind);
    if (handle == 0)
        return {};
    return sdk::UniqueHandle(sys::handle_duplicate(handle, abi::Rights::none, 0).value_or(0));
}

}  // namespace astrata::syscall_probe
