#include "strates/linux/exec/random_reserve.h"

#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "strates/linux/core/lock.h"

namespace astrata::linux_abi {
namespace {

constexpr std::size_t reserve_bytes = 256;

constinit Mutex mutex;
constinit std::array<std::byte, reserve_bytes> reserve GUARDED_BY(mutex) = {};
constinit std::size_t left GUARDED_BY(mutex) = 0;  // the last ones

}  // namespace

Result<> take_random(MutableBytes into) {
    Lock lock(mutex);
    if (left < into.size()) {
        TRY(sys::random_read(reserve));
        left = reserve.size();
    }
    auto const taken = MutableBytes(reserve).subspan(reserve.size() - left, into.size());
    std::ranges::copy(taken, into.begin());
    std::ranges::fill(taken, std::byte{0});
    left -= into.size();
    return {};
}

}  // namespace astrata::linux_abi
