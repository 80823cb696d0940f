// What Personality.start is given: directory, argument count, arguments, environment, each ended by NUL.
#pragma once

#include <string_view>

#include "lib/base/result.h"
#include "strates/linux/personality/job_request.h"

namespace astrata::linux_abi {

/// Everything that Personality.start's text may be long, as a program's own limit on arguments is.
inline constexpr std::uint64_t parameter_limit = 2 << 20;

/// errors    invalid_argument (malformed: no NUL at the end, a bad count, too few strings), no_memory
[[nodiscard]] Result<> parse_parameters(std::string_view text, JobRequest& into);

}  // namespace astrata::linux_abi
