#include "strates/linux/personality/server.h"

#include <algorithm>
#include <array>

#include "strates/linux/core/make.h"
#include "strates/linux/personality/parameters.h"
#include "strates/linux/personality/process_report.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/streams/stream_file.h"
#include "strates/linux/syscalls/trace.h"
#include "strates/linux/tty/console.h"

namespace astrata::linux_abi {
namespace {

// What the interface says of the reasons for which a program cannot be started.
Error to_error(Errno error) {
    switch (error) {
    case Errno::enoent:
    case Errno::enotdir: return Error::not_found;
    case Errno::enoexec:
    case Errno::elibbad: return Error::bad_executable;
    case Errno::eacces:
    case Errno::eperm: return Error::access_denied;
    case Errno::enomem:
    case Errno::eagain: return Error::no_memory;
    case Errno::eio: return Error::io;
    default: return Error::invalid_argument;
    }
}

Result<> to_result(LinuxResult<> result) {
    if (!result.has_value())
        return fail(to_error(result.error()));
    return ok();
}

template <typename T>
Result<T> to_result(LinuxResult<T> result) {
    if (!result.has_value())
        return fail(to_error(result.error()));
    return std::move(*result);
}

// Personality.start's text, which lies in the first `length` bytes of a memory object.
Result<> read_parameters(abi::Handle object, std::uint64_t length, JobRequest& into) {
    if (length > parameter_limit)
        return fail(Error::invalid_argument);
    Vector<char> text;
    TRY(text.resize(length));
    auto done = TRY(sys::memory_object_read(object, 0, std::as_writable_bytes(text.span())));
    if (done != length)
        return fail(Error::invalid_argument);
    return parse_parameters({text.span().data(), text.size()}, into);
}

LinuxResult<> put_file(FileTable& files, Ref<File> file) {
    constexpr std::uint64_t limit = 16;
    LTRY(files.insert(std::move(file), false, limit));
    return {};
}

LinuxResult<Ref<FileTable>> terminal_files(Job& job, FileSystemContext const& context) {
    auto files = LTRY(FileTable::create());
    auto terminal = Ref<Terminal>(Ref<StreamTerminal>::share(*job.terminal));
    auto file = LTRY(make_console_file(context, std::move(terminal)));
    for (int descriptor = 0; descriptor < 3; ++descriptor)
        LTRY(put_file(*files, file));
    return files;
}

LinuxResult<Ref<FileTable>> stream_files(Job& job, sdk::UniqueHandle input) {
    auto files = LTRY(FileTable::create());
    auto input_file = LTRY(StreamInputFile::create(std::move(input)));
    auto output_file = LTRY(make_ref<StreamOutputFile>(Ref<StreamOutput>::share(*job.output)));
    auto error_file = LTRY(make_ref<StreamOutputFile>(Ref<StreamOutput>::share(*job.error)));
    LTRY(put_file(*files, std::move(input_file)));
    LTRY(put_file(*files, std::move(output_file)));
    LTRY(put_file(*files, std::move(error_file)));
    return files;
}

}  // namespace

PersonalityService::Entry* PersonalityService::find(std::uint64_t id) {
    for (auto& entry : entries_) {
        if (entry->job->id == id)
            return entry.get();
    }
    return nullptr;
}

void PersonalityService::forget(std::uint64_t id) {
    for (std::size_t position = 0; position < entries_.size(); ++position) {
        if (entries_[position]->job->id == id) {
            entries_.erase_unordered(position);
            return;
        }
    }
}

Result<> PersonalityService::run_job(Ref<Job> const& job, StartRequest const& request) {
    TRY(read_parameters(request.parameters.get(), request.length, job->request));
    job->output = TRY(to_result(make_ref<StreamOutput>(std::move(request.output))));
    LinuxResult<Ref<FileTable>> files = fail(Errno::enomem);
    if (request.terminal != 0) {
        job->error = job->output;
        WindowSize size{.rows = static_cast<std::uint16_t>(request.rows),
                        .columns = static_cast<std::uint16_t>(request.columns)};
        job->terminal = TRY(
            to_result(StreamTerminal::create(std::move(request.input), Ref<StreamOutput>::share(*job->output), size)));
        files = terminal_files(*job, *context_);
    } else {
        job->error = TRY(to_result(make_ref<StreamOutput>(std::move(request.error))));
        files = stream_files(*job, std::move(request.input));
    }
    auto table = TRY(to_result(std::move(files)));
    return to_result(start_job(job, *context_, *table));
}

void PersonalityService::start(sdk::Caller const&, StartRequest const& request, StartResponder responder) {
    // Room for the bookkeeping first: a program that runs and that nobody could wait for would be worse than none.
    auto job = make_ref<Job>(++last_id_, changes_.get());
    if (!job.has_value() || !entries_.reserve(entries_.size() + 1).has_value())
        return responder.fail(Error::no_memory);
    std::unique_ptr<Entry> entry(new (std::nothrow) Entry{.job = std::move(*job)});
    if (entry == nullptr)
        return responder.fail(Error::no_memory);
    if (auto const started = run_job(entry->job, request); !started)
        return responder.fail(started.error());
    auto& added = *entry;
    added.starter.emplace(std::move(responder));
    (void)entries_.push_back(std::move(entry));
    answer(added);
}

void PersonalityService::wait(sdk::Caller const&, WaitRequest const& request, WaitResponder responder) {
    auto* entry = find(request.job);
    if (entry == nullptr)
        return responder.fail(Error::not_found);
    if (!entry->waiters.reserve(entry->waiters.size() + 1).has_value())
        return responder.fail(Error::no_memory);
    (void)entry->waiters.push_back(std::move(responder));
    answer(*entry);
}

void PersonalityService::answer(Entry& entry) {
    auto state = entry.job->state();
    if (state.phase == Job::Phase::starting)
        return;
    if (entry.starter) {
        if (state.phase == Job::Phase::failed)
            entry.starter->fail(to_error(state.error));
        else
            entry.starter->reply(entry.job->id);
        entry.starter.reset();
    }
    if (state.phase == Job::Phase::failed)
        return forget(entry.job->id);
    if (state.phase == Job::Phase::running)
        return;
    bool has_ended = state.phase == Job::Phase::ended;
    // A terminal that nobody uses any more, or for now, gives the console what was typed ahead.
    if (entry.job->terminal)
        entry.job->terminal->stop_input();
    if (entry.waiters.is_empty())
        return;
    auto kind = !has_ended               ? abi::JobState::stopped
                : state.status.is_exit() ? abi::JobState::exited
                                         : abi::JobState::signalled;
    auto code = kind == abi::JobState::signalled ? state.status.signal() : state.status.exit_code();
    for (auto& waiter : entry.waiters)
        waiter.reply(kind, code, entry.job->output->written(), entry.job->error->written());
    entry.waiters.clear();
    if (has_ended)
        forget(entry.job->id);
}

void PersonalityService::on_signal(std::uint64_t) {
    // Backwards, since an answer may take the entry away and put the last one in its place.
    for (std::size_t position = entries_.size(); position-- > 0;) {
        if (position < entries_.size())
            answer(*entries_[position]);
    }
}

void PersonalityService::signal(sdk::Caller const&, SignalRequest const& request, SignalResponder responder) {
    auto* entry = find(request.job);
    if (entry == nullptr)
        return responder.fail(Error::not_found);
    if (!is_signal_number(request.number))
        return responder.fail(Error::invalid_argument);
    send_to_group(entry->job->process_id, SignalInfo::from_kernel(static_cast<Signal>(request.number)));
    responder.reply();
}

void PersonalityService::resume(sdk::Caller const&, ResumeRequest const& request, ResumeResponder responder) {
    auto* entry = find(request.job);
    if (entry == nullptr)
        return responder.fail(Error::not_found);
    auto& job = *entry->job;
    // One that runs in the background can come to the foreground.
    auto const phase = job.state().phase;
    bool const is_stopped = phase == Job::Phase::stopped;
    if (!is_stopped && (phase != Job::Phase::running || request.foreground == 0))
        return responder.fail(Error::bad_state);
    if (is_stopped)
        job.on_continued();
    if (job.terminal && request.foreground != 0) {
        job.terminal->set_foreground(job.process_id);
        if (auto started = job.terminal->start_input(); !started.has_value())
            return responder.fail(to_error(started.error()));
    }
    if (is_stopped)
        send_to_group(job.process_id, SignalInfo::from_kernel(Signal::sigcont));
    responder.reply();
}

void PersonalityService::resize(sdk::Caller const&, ResizeRequest const& request, ResizeResponder responder) {
    auto* entry = find(request.job);
    if (entry == nullptr)
        return responder.fail(Error::not_found);
    if (!entry->job->terminal)
        return responder.fail(Error::not_supported);
    entry->job->terminal->set_window_size(
        {.rows = static_cast<std::uint16_t>(request.rows), .columns = static_cast<std::uint16_t>(request.columns)});
    responder.reply();
}

void PersonalityService::process(sdk::Caller const&, ProcessRequest const& request, ProcessResponder responder) {
    auto report = next_process_report(request.after);
    if (!report.has_value())
        return responder.fail(Error::not_found);
    responder.reply(*report);
}

void PersonalityService::trace(sdk::Caller const&, TraceRequest const& request, TraceResponder responder) {
    if (request.enable > static_cast<std::uint32_t>(TraceMode::unknown_only))
        return responder.fail(Error::invalid_argument);
    set_trace_mode(static_cast<TraceMode>(request.enable));
    std::array<std::byte, 3900> text;
    std::size_t count = 0;
    auto next = read_trace(request.position, text, count);
    responder.reply(next, std::span(text).first(count));
}

}  // namespace astrata::linux_abi
