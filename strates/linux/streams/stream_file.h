// Standard input, output and error of a program that was started from outside, when they are plain streams.
#pragma once

#include <array>

#include "strates/linux/file/file.h"
#include "strates/linux/streams/stream_input.h"
#include "strates/linux/streams/stream_output.h"

namespace astrata::linux_abi {

/// The write end: looks like a pipe's.
class StreamOutputFile final : public File {
public:
    explicit StreamOutputFile(Ref<StreamOutput> output)
        : File(nullptr, open_flag::write_only), output_(std::move(output)) {}

    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t& position) override;
    std::uint32_t poll(PollTable*) override { return poll_event::writable; }
    LinuxResult<> read_attributes(Attributes& into) override;
    std::string_view describe(std::span<char>) const override { return "pipe:[output]"; }

private:
    Ref<StreamOutput> const output_;
};

/// The read end: looks like a pipe's.
class StreamInputFile final : public File, private StreamConsumer {
public:
    static LinuxResult<Ref<StreamInputFile>> create(sdk::UniqueHandle endpoint);

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position) override;
    std::uint32_t poll(PollTable* table) override;
    LinuxResult<std::int64_t> ioctl(std::uint32_t request, std::uint64_t argument) override;
    LinuxResult<> read_attributes(Attributes& into) override;
    std::string_view describe(std::span<char>) const override { return "pipe:[input]"; }

private:
    friend class RefCounted<File>;
    StreamInputFile() : File(nullptr, open_flag::read_only) {}
    ~StreamInputFile() override;
    void take(Bytes bytes) override;
    void end() override;

    RefOrNull<StreamInput> input_;
    Mutex mutex_;
    std::array<std::byte, stream_chunk> buffer_ GUARDED_BY(mutex_);
    std::size_t begin_ GUARDED_BY(mutex_) = 0;
    std::size_t count_ GUARDED_BY(mutex_) = 0;
    bool has_ended_ GUARDED_BY(mutex_) = false;
    WaitQueue readable_;
};

/// Attributes of what looks like an end of a pipe and comes from outside.
Attributes outside_pipe_attributes();

}  // namespace astrata::linux_abi
