// The memory of a trace ring: a page with this header, then records. Bedrock writes, one CPU into each ring, and never
// waits for readers: the newest records overwrite the oldest, and a reader sees from the counter what it has lost.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "abi/trace_events.h"

namespace astrata::trace {

inline constexpr std::uint64_t ring_magic = 0x676e'6972'6563'6172;  // "racering"
inline constexpr std::uint32_t ring_version = 1;
inline constexpr std::size_t records_offset = 4096;

struct RingHeader {
    std::uint64_t magic = ring_magic;
    std::uint32_t version = ring_version;
    std::uint32_t record_bytes = sizeof(abi::TraceRecord);
    std::uint64_t capacity = 0;      ///< in records
    std::uint64_t frequency_hz = 0;  ///< ticks per second of the timestamps
    std::uint32_t cpu = 0;
    std::uint32_t cpus = 0;
    // What is recorded at the moment; a change shows a little later than it takes effect.
    std::atomic<std::uint32_t> groups = 0;
    std::uint32_t reserved = 0;
    std::atomic<std::uint64_t> silo = 0;
    std::atomic<std::uint64_t> process = 0;
    /// Records since the ring was made. Record number n lies at n % capacity; while it is written, this is still n.
    alignas(64) std::atomic<std::uint64_t> written = 0;
};
static_assert(sizeof(RingHeader) == 128 && offsetof(RingHeader, written) == 64);

}  // namespace astrata::trace
