#include "strates/linux/core/host.h"

namespace astrata::linux_abi {

Host& host() {
    static constinit Host instance;
    return instance;
}

}  // namespace astrata::linux_abi
