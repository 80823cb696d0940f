// Answers each message with four words, without generated decoding: what is measured is the kernel's path.
#include "abi/system_calls.h"
#include "benchmark-peer/environment.h"

namespace astrata {

Result<> strate_main(benchmark_peer::Environment& environment) {
    abi::Message message{};
    abi::Handle reply = 0;
    for (;;) {
        TRY(sys::reply_and_wait(reply, message, environment.stream.get(), never));
        reply = message.reply;
        message.info = abi::MessageInfo::make(0, 4 * sizeof(std::uint64_t));
    }
}

}  // namespace astrata
