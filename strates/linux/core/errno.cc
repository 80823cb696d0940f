#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

// No default: a new Error stops the build here until it has a translation.
Errno to_errno(Error error) {
    switch (error) {
    case Error::bad_handle:
    case Error::wrong_type:
    case Error::bad_message: return Errno::eio;  // a strate we depend on broke its contract
    case Error::access_denied: return Errno::eacces;
    case Error::invalid_argument:
    case Error::out_of_range: return Errno::einval;
    case Error::bad_address: return Errno::efault;
    case Error::no_memory: return Errno::enomem;
    case Error::no_resources:
    case Error::would_block: return Errno::eagain;
    case Error::timed_out: return Errno::etimedout;
    case Error::interrupted: return Errno::eintr;
    case Error::peer_closed:
    case Error::io:
    case Error::cancelled: return Errno::eio;
    case Error::not_found: return Errno::enoent;
    case Error::already_exists: return Errno::eexist;
    case Error::bad_state: return Errno::eio;
    case Error::busy: return Errno::ebusy;
    case Error::not_supported: return Errno::eopnotsupp;
    case Error::message_too_large: return Errno::emsgsize;
    case Error::corrupt: return Errno::euclean;
    case Error::not_a_directory: return Errno::enotdir;
    case Error::is_a_directory: return Errno::eisdir;
    case Error::not_empty: return Errno::enotempty;
    case Error::name_too_long: return Errno::enametoolong;
    case Error::too_many_links: return Errno::eloop;
    case Error::read_only: return Errno::erofs;
    case Error::no_space: return Errno::enospc;
    case Error::cross_device: return Errno::exdev;
    case Error::bad_executable: return Errno::enoexec;
    case Error::no_device: return Errno::enodev;
    }
    return Errno::eio;  // from a newer system than this one
}

std::string_view name_of(Errno error) {
    switch (error) {
    case Errno::eperm: return "EPERM";
    case Errno::enoent: return "ENOENT";
    case Errno::esrch: return "ESRCH";
    case Errno::eintr: return "EINTR";
    case Errno::eio: return "EIO";
    case Errno::enxio: return "ENXIO";
    case Errno::e2big: return "E2BIG";
    case Errno::enoexec: return "ENOEXEC";
    case Errno::ebadf: return "EBADF";
    case Errno::echild: return "ECHILD";
    case Errno::eagain: return "EAGAIN";
    case Errno::enomem: return "ENOMEM";
    case Errno::eacces: return "EACCES";
    case Errno::efault: return "EFAULT";
    case Errno::enotblk: return "ENOTBLK";
    case Errno::ebusy: return "EBUSY";
    case Errno::eexist: return "EEXIST";
    case Errno::exdev: return "EXDEV";
    case Errno::enodev: return "ENODEV";
    case Errno::enotdir: return "ENOTDIR";
    case Errno::eisdir: return "EISDIR";
    case Errno::einval: return "EINVAL";
    case Errno::enfile: return "ENFILE";
    case Errno::emfile: return "EMFILE";
    case Errno::enotty: return "ENOTTY";
    case Errno::etxtbsy: return "ETXTBSY";
    case Errno::efbig: return "EFBIG";
    case Errno::enospc: return "ENOSPC";
    case Errno::espipe: return "ESPIPE";
    case Errno::erofs: return "EROFS";
    case Errno::emlink: return "EMLINK";
    case Errno::epipe: return "EPIPE";
    case Errno::edom: return "EDOM";
    case Errno::erange: return "ERANGE";
    case Errno::edeadlock: return "EDEADLOCK";
    case Errno::enametoolong: return "ENAMETOOLONG";
    case Errno::enolck: return "ENOLCK";
    case Errno::enosys: return "ENOSYS";
    case Errno::enotempty: return "ENOTEMPTY";
    case Errno::eloop: return "ELOOP";
    case Errno::enomsg: return "ENOMSG";
    case Errno::eidrm: return "EIDRM";
    case Errno::echrng: return "ECHRNG";
    case Errno::el2nsync: return "EL2NSYNC";
    case Errno::el3hlt: return "EL3HLT";
    case Errno::el3rst: return "EL3RST";
    case Errno::elnrng: return "ELNRNG";
    case Errno::eunatch: return "EUNATCH";
    case Errno::enocsi: return "ENOCSI";
    case Errno::el2hlt: return "EL2HLT";
    case Errno::ebade: return "EBADE";
    case Errno::ebadr: return "EBADR";
    case Errno::exfull: return "EXFULL";
    case Errno::enoano: return "ENOANO";
    case Errno::ebadrqc: return "EBADRQC";
    case Errno::ebadslt: return "EBADSLT";
    case Errno::ebfont: return "EBFONT";
    case Errno::enostr: return "ENOSTR";
    case Errno::enodata: return "ENODATA";
    case Errno::etime: return "ETIME";
    case Errno::enosr: return "ENOSR";
    case Errno::enonet: return "ENONET";
    case Errno::enopkg: return "ENOPKG";
    case Errno::eremote: return "EREMOTE";
    case Errno::enolink: return "ENOLINK";
    case Errno::eadv: return "EADV";
    case Errno::esrmnt: return "ESRMNT";
    case Errno::ecomm: return "ECOMM";
    case Errno::eproto: return "EPROTO";
    case Errno::emultihop: return "EMULTIHOP";
    case Errno::edotdot: return "EDOTDOT";
    case Errno::ebadmsg: return "EBADMSG";
    case Errno::eoverflow: return "EOVERFLOW";
    case Errno::enotuniq: return "ENOTUNIQ";
    case Errno::ebadfd: return "EBADFD";
    case Errno::eremchg: return "EREMCHG";
    case Errno::elibacc: return "ELIBACC";
    case Errno::elibbad: return "ELIBBAD";
    case Errno::elibscn: return "ELIBSCN";
    case Errno::elibmax: return "ELIBMAX";
    case Errno::elibexec: return "ELIBEXEC";
    case Errno::eilseq: return "EILSEQ";
    case Errno::erestart: return "ERESTART";
    case Errno::estrpipe: return "ESTRPIPE";
    case Errno::eusers: return "EUSERS";
    case Errno::enotsock: return "ENOTSOCK";
    case Errno::edestaddrreq: return "EDESTADDRREQ";
    case Errno::emsgsize: return "EMSGSIZE";
    case Errno::eprototype: return "EPROTOTYPE";
    case Errno::enoprotoopt: return "ENOPROTOOPT";
    case Errno::eprotonosupport: return "EPROTONOSUPPORT";
    case Errno::esocktnosupport: return "ESOCKTNOSUPPORT";
    case Errno::eopnotsupp: return "EOPNOTSUPP";
    case Errno::epfnosupport: return "EPFNOSUPPORT";
    case Errno::eafnosupport: return "EAFNOSUPPORT";
    case Errno::eaddrinuse: return "EADDRINUSE";
    case Errno::eaddrnotavail: return "EADDRNOTAVAIL";
    case Errno::enetdown: return "ENETDOWN";
    case Errno::enetunreach: return "ENETUNREACH";
    case Errno::enetreset: return "ENETRESET";
    case Errno::econnaborted: return "ECONNABORTED";
    case Errno::econnreset: return "ECONNRESET";
    case Errno::enobufs: return "ENOBUFS";
    case Errno::eisconn: return "EISCONN";
    case Errno::enotconn: return "ENOTCONN";
    case Errno::eshutdown: return "ESHUTDOWN";
    case Errno::etoomanyrefs: return "ETOOMANYREFS";
    case Errno::etimedout: return "ETIMEDOUT";
    case Errno::econnrefused: return "ECONNREFUSED";
    case Errno::ehostdown: return "EHOSTDOWN";
    case Errno::ehostunreach: return "EHOSTUNREACH";
    case Errno::ealready: return "EALREADY";
    case Errno::einprogress: return "EINPROGRESS";
    case Errno::estale: return "ESTALE";
    case Errno::euclean: return "EUCLEAN";
    case Errno::enotnam: return "ENOTNAM";
    case Errno::enavail: return "ENAVAIL";
    case Errno::eisnam: return "EISNAM";
    case Errno::eremoteio: return "EREMOTEIO";
    case Errno::edquot: return "EDQUOT";
    case Errno::enomedium: return "ENOMEDIUM";
    case Errno::emediumtype: return "EMEDIUMTYPE";
    case Errno::ecanceled: return "ECANCELED";
    case Errno::enokey: return "ENOKEY";
    case Errno::ekeyexpired: return "EKEYEXPIRED";
    case Errno::ekeyrevoked: return "EKEYREVOKED";
    case Errno::ekeyrejected: return "EKEYREJECTED";
    case Errno::eownerdead: return "EOWNERDEAD";
    case Errno::enotrecoverable: return "ENOTRECOVERABLE";
    case Errno::erfkill: return "ERFKILL";
    case Errno::erestartsys: return "ERESTARTSYS";
    case Errno::erestartnointr: return "ERESTARTNOINTR";
    case Errno::erestartnohand: return "ERESTARTNOHAND";
    case Errno::erestart_restartblock: return "ERESTART_RESTARTBLOCK";
    }
    return {};
}

}  // namespace astrata::linux_abi
