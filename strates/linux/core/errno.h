// Linux error numbers, what the personality's fallible functions return, and the one place where our own errors become
// Linux's.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lib/base/result.h"

namespace astrata::linux_abi {

/// The numbers are Linux's generic ones, as x86_64, aarch64 and riscv64 share them (errno(3)). As wide as a register: a
/// result, which holds either, is then passed on as it is.
enum class Errno : std::uint64_t {
    eperm = 1,
    enoent = 2,
    esrch = 3,
    eintr = 4,
    eio = 5,
    enxio = 6,
    e2big = 7,
    enoexec = 8,
    ebadf = 9,
    echild = 10,
    eagain = 11,
    enomem = 12,
    eacces = 13,
    efault = 14,
    enotblk = 15,
    ebusy = 16,
    eexist = 17,
    exdev = 18,
    enodev = 19,
    enotdir = 20,
    eisdir = 21,
    einval = 22,
    enfile = 23,
    emfile = 24,
    enotty = 25,
    etxtbsy = 26,
    efbig = 27,
    enospc = 28,
    espipe = 29,
    erofs = 30,
    emlink = 31,
    epipe = 32,
    edom = 33,
    erange = 34,
    edeadlock = 35,
    enametoolong = 36,
    enolck = 37,
    enosys = 38,
    enotempty = 39,
    eloop = 40,
    enomsg = 42,
    eidrm = 43,
    echrng = 44,
    el2nsync = 45,
    el3hlt = 46,
    el3rst = 47,
    elnrng = 48,
    eunatch = 49,
    enocsi = 50,
    el2hlt = 51,
    ebade = 52,
    ebadr = 53,
    exfull = 54,
    enoano = 55,
    ebadrqc = 56,
    ebadslt = 57,
    ebfont = 59,
    enostr = 60,
    enodata = 61,
    etime = 62,
    enosr = 63,
    enonet = 64,
    enopkg = 65,
    eremote = 66,
    enolink = 67,
    eadv = 68,
    esrmnt = 69,
    ecomm = 70,
    eproto = 71,
    emultihop = 72,
    edotdot = 73,
    ebadmsg = 74,
    eoverflow = 75,
    enotuniq = 76,
    ebadfd = 77,
    eremchg = 78,
    elibacc = 79,
    elibbad = 80,
    elibscn = 81,
    elibmax = 82,
    elibexec = 83,
    eilseq = 84,
    erestart = 85,
    estrpipe = 86,
    eusers = 87,
    enotsock = 88,
    edestaddrreq = 89,
    emsgsize = 90,
    eprototype = 91,
    enoprotoopt = 92,
    eprotonosupport = 93,
    esocktnosupport = 94,
    eopnotsupp = 95,
    epfnosupport = 96,
    eafnosupport = 97,
    eaddrinuse = 98,
    eaddrnotavail = 99,
    enetdown = 100,
    enetunreach = 101,
    enetreset = 102,
    econnaborted = 103,
    econnreset = 104,
    enobufs = 105,
    eisconn = 106,
    enotconn = 107,
    eshutdown = 108,
    etoomanyrefs = 109,
    etimedout = 110,
    econnrefused = 111,
    ehostdown = 112,
    ehostunreach = 113,
    ealready = 114,
    einprogress = 115,
    estale = 116,
    euclean = 117,
    enotnam = 118,
    enavail = 119,
    eisnam = 120,
    eremoteio = 121,
    edquot = 122,
    enomedium = 123,
    emediumtype = 124,
    ecanceled = 125,
    enokey = 126,
    ekeyexpired = 127,
    ekeyrevoked = 128,
    ekeyrejected = 129,
    eownerdead = 130,
    enotrecoverable = 131,
    erfkill = 132,

    // Never shown to programs: how a call that a signal interrupted wants to go on (see signal/deliver.cc).
    erestartsys = 512,            ///< again after a handler with SA_RESTART, else EINTR
    erestartnointr = 513,         ///< always again
    erestartnohand = 514,         ///< again unless a handler ran
    erestart_restartblock = 516,  ///< again through restart_syscall with what is left of the wait, unless a handler ran
};

/// What a fallible function of the personality returns.
template <typename T = void>
using LinuxResult = std::expected<T, Errno>;

/// `return fail(Errno::enoent);`
[[nodiscard]] constexpr std::unexpected<Errno> fail(Errno error) {
    return std::unexpected<Errno>(error);
}

/// The Linux error that says the same.
[[nodiscard]] Errno to_errno(Error error);
/// So that LTRY takes either kind of result.
[[nodiscard]] constexpr Errno to_errno(Errno error) {
    return error;
}

/// "ENOENT"; empty for a number that is none.
[[nodiscard]] std::string_view name_of(Errno error);

/// Whether the error only says how to go on after a signal.
[[nodiscard]] constexpr bool is_restart(Errno error) {
    return error >= Errno::erestartsys && error <= Errno::erestart_restartblock;
}

/// `result` with its error translated.
template <typename T>
[[nodiscard]] constexpr LinuxResult<T> to_linux(Result<T>&& result) {
    if (!result.has_value())
        return fail(to_errno(result.error()));
    if constexpr (std::is_void_v<T>)
        return {};
    else
        return std::move(*result);
}

namespace detail {

template <typename T, typename E>
constexpr T unwrap(std::expected<T, E>&& result) {
    if constexpr (std::is_void_v<T>)
        return;
    else
        return std::move(*result);
}

}  // namespace detail

}  // namespace astrata::linux_abi

// TRY for functions that return a LinuxResult; the expression may be a Result or a LinuxResult. The counter keeps
// nested uses apart.
#define LTRY_NUMBERED(number, ...)                                                                          \
    ({                                                                                                      \
        auto try_result_##number = (__VA_ARGS__);                                                           \
        if (!try_result_##number.has_value()) [[unlikely]]                                                  \
            return ::astrata::linux_abi::fail(::astrata::linux_abi::to_errno(try_result_##number.error())); \
        ::astrata::linux_abi::detail::unwrap(std::move(try_result_##number));                               \
    })
#define LTRY_EXPANDED(number, ...) LTRY_NUMBERED(number, __VA_ARGS__)
#define LTRY(...) LTRY_EXPANDED(__COUNTER__, __VA_ARGS__)
