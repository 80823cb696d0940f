// Trace records as text, decoded by the tables that abi/compiler generates.
#pragma once

#include <cstdint>
#include <string_view>

#include "abi/trace_events.h"
#include "lib/containers/text_builder.h"

namespace astrata::trace {

/// "page_fault address=0x7f00 error_code=0x6 instruction=0x4010"; "event_77" for one that this build does not know.
void append_event(TextBuilder& text, abi::TraceRecord const& record);

/// "handle_close(handle=0x20004)" of a system_call_enter record: the arguments that the call has.
void append_call(TextBuilder& text, abi::TraceRecord const& enter);
/// " = ok" or " = bad handle" of a system_call_exit record.
void append_status(TextBuilder& text, std::uint64_t status);

/// The name of a system call, "call_999" for a number that has none.
void append_call_name(TextBuilder& text, std::uint64_t number);

/// Groups of events by their names, separated by commas; "all" is every one. None for a name that is not known.
[[nodiscard]] abi::TraceGroups groups_named(std::string_view names);

}  // namespace astrata::trace
