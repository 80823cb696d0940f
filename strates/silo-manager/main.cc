#include "silo-manager/environment.h"
#include "sdk/log.h"

namespace astrata {

Result<> strate_main(silo_manager::Environment&) {
    sdk::log("silo manager: started");
    return {};
}

}  // namespace astrata
