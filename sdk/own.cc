#include "sdk/own.h"

namespace astrata::sdk {

namespace {

constinit Own own_handles;

}  // namespace

Own& own() {
    return own_handles;
}

}  // namespace astrata::sdk
