// Walks the table of system calls that the interface compiler made.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/syscall_probe.inc"
#include "abi/system_calls.h"
#include "sdk/log.h"
#include "sdk/memory.h"
#include "strates/test/syscall-probe/objects.h"

namespace astrata {

namespace {

using probe::ArgumentKind;
using probe::SystemCall;
using syscall_probe::Objects;
using Arguments = std::array<std::uint64_t, 6>;

constexpr std::uint64_t kernel_address = 0xffff'8000'0000'1000;
constexpr std::uint64_t unmapped_address = 0x7f70'0000'0000;
constexpr std::uint64_t non_canonical_address = 0x8000'0000'0000'0000;
constexpr std::uint64_t undeclared_value = 0x7fff'ff00;

class Walk {
public:
    /// `page` is a page of memory behind which nothing is mapped, so that a huge length cannot reach anything of ours.
    Walk(Objects const& objects, std::uint64_t page) : objects_(objects), page_(page) {}

    void walk(SystemCall const& call) {
        if (call.is_ending)
            return;
        for (std::size_t i = 0; i != call.arguments.size(); ++i) {
            switch (call.arguments[i].kind) {
            case ArgumentKind::handle: try_handles(call, i); break;
            case ArgumentKind::in_pointer:
            case ArgumentKind::out_pointer: try_pointers(call, i); break;
            case ArgumentKind::enumeration:
            case ArgumentKind::flags: try_value(call, i, undeclared_value); break;
            case ArgumentKind::number32: try_value(call, i, std::uint64_t{1} << 32); break;
            case ArgumentKind::none:
            case ArgumentKind::number:
            case ArgumentKind::length:
            case ArgumentKind::deadline: break;
            }
        }
    }
    [[nodiscard]] unsigned checks() const { return checks_; }
    [[nodiscard]] unsigned failures() const { return failures_; }

private:
    // Arguments that would do for the call as far as they can be known: small buffers, handles of the right kind.
    Arguments plausible(SystemCall const& call) {
        Arguments raw{};
        for (std::size_t i = 0; i != raw.size(); ++i) {
            auto const& argument = call.arguments[i];
            switch (argument.kind) {
            case ArgumentKind::handle:
                raw[i] = objects_.of_kind(
                    argument.object == 0 ? static_cast<std::uint32_t>(abi::ObjectKind::notification) : argument.object);
                break;
            case ArgumentKind::in_pointer:
            case ArgumentKind::out_pointer: raw[i] = page_; break;
            case ArgumentKind::length: raw[i] = 64; break;
            default: break;  // 0; deadlines are then in the past
            }
        }
        return raw;
    }
    // False if a handle before (or other than) `position` is missing, so that its answer would come first.
    bool has_other_handles(SystemCall const& call, Arguments const& raw, std::size_t position) const {
        for (std::size_t i = 0; i != raw.size(); ++i) {
            if (call.arguments[i].kind != ArgumentKind::handle || i == position)
                continue;
            auto const info = sys::handle_info(raw[i]);
            if (!info || !abi::has(info->rights, call.arguments[i].rights))
                return false;
        }
        return true;
    }

    void try_handles(SystemCall const& call, std::size_t position) {
        auto const& argument = call.arguments[position];
        auto raw = plausible(call);
        if (!has_other_handles(call, raw, position))
            return;
        for (auto const handle : {std::uint64_t{0}, std::uint64_t{0xdead'beef}, ~std::uint64_t{0}, objects_.stale()}) {
            raw[position] = handle;
            expect(call, raw, Error::bad_handle, "a handle that names nothing");
        }
        if (argument.object != 0) {
            raw[position] = objects_.of_other_kind(argument.object);
            expect(call, raw, Error::wrong_type, "a handle of another kind");
        }
        if (auto const weak = objects_.without_rights(argument.object); weak && argument.rights != abi::Rights::none) {
            raw[position] = weak.get();
            expect(call, raw, Error::access_denied, "a handle without the right");
        }
    }
    void try_pointers(SystemCall const& call, std::size_t position) {
        auto raw = plausible(call);
        if (!has_other_handles(call, raw, raw.size()))
            return;
        bool const has_length = position + 1 != raw.size() && call.arguments[position + 1].kind == ArgumentKind::length;
        for (auto const address :
             {std::uint64_t{0}, kernel_address, unmapped_address, non_canonical_address, ~std::uint64_t{0} - 7}) {
            raw[position] = address;
            if (has_length)
                raw[position + 1] = 4096;
            expect_failure(call, raw, "a bad pointer");
        }
        if (has_length) {
            raw[position] = page_;
            for (auto const length : {~std::uint64_t{0}, std::uint64_t{1} << 47, std::uint64_t{1} << 63}) {
                raw[position + 1] = length;
                expect_no_harm(call, raw);
            }
        }
    }
    void try_value(SystemCall const& call, std::size_t position, std::uint64_t value) {
        auto raw = plausible(call);
        raw[position] = value;
        expect(call, raw, Error::invalid_argument, "an undeclared value");
    }

    void expect(SystemCall const& call, Arguments const& raw, Error error, std::string_view what) {
        ++checks_;
        auto const status = call.call(raw);
        if (status == static_cast<std::uint64_t>(error))
            return;
        ++failures_;
        sdk::log("FAILED ", call.name, " with ", what, ": status ", status, ", expected ", error);
    }
    void expect_failure(SystemCall const& call, Arguments const& raw, std::string_view what) {
        ++checks_;
        auto const status = call.call(raw);
        if (status != 0 && status <= last_error)
            return;
        ++failures_;
        sdk::log("FAILED ", call.name, " with ", what, ": status ", status);
    }
    // A huge length may be cut to what there is; what matters is that a declared status comes back at all.
    void expect_no_harm(SystemCall const& call, Arguments const& raw) {
        ++checks_;
        if (auto const status = call.call(raw); status > last_error) {
            ++failures_;
            sdk::log("FAILED ", call.name, " with a huge length: status ", status);
        }
    }

    Objects const& objects_;
    std::uint64_t page_;
    unsigned checks_ = 0;
    unsigned failures_ = 0;
};

}  // namespace

Result<> strate_main(syscall_probe::Environment& environment) {
    auto const objects = TRY(Objects::create(environment));
    constexpr std::uint64_t gap = 1 << 20;
    auto const mapping = TRY(sdk::Mapping::map_anonymous(page_size + gap));
    TRY(sys::address_space_unmap(environment.home.get(), mapping.address() + page_size, gap));
    Walk walk(objects, mapping.address());
    for (auto const& call : probe::system_calls)
        walk.walk(call);
    sdk::log("syscall-probe: ", walk.checks(), " checks of ", probe::system_calls.size(), " system calls, ",
             walk.failures(), " failed");
    if (walk.failures() != 0)
        return fail(Error::bad_state);
    return {};
}

}  // namespace astrata
