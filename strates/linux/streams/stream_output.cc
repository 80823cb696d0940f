#include "strates/linux/streams/stream_output.h"

#include <algorithm>

#include "abi/stream.h"
#include "strates/linux/streams/stream_retry.h"

namespace astrata::linux_abi {

LinuxResult<> StreamOutput::write(Bytes bytes) {
    abi::StreamClient const stream(endpoint_.get());
    while (!bytes.empty()) {
        auto const part = bytes.first(std::min(bytes.size(), stream_chunk));
        auto const sent = retry_stream_call([&] { return stream.write(part); });
        if (!sent)
            return fail(sent.error() == Error::peer_closed ? Errno::epipe : Errno::eio);
        written_.fetch_add(part.size(), std::memory_order_release);
        bytes = bytes.subspan(part.size());
    }
    return {};
}

}  // namespace astrata::linux_abi
