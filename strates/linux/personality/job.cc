#include "strates/linux/personality/job.h"

#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "lib/containers/text_builder.h"
#include "strates/linux/exec/execute.h"
#include "strates/linux/guest/loop.h"
#include "strates/linux/process/clone.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/vfs/operations.h"

namespace astrata::linux_abi {
namespace {

constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view search_path(ProgramStrings const& environment) {
    constexpr std::string_view key = "PATH=";
    for (auto rest = environment.packed(); !rest.empty();) {
        auto end = rest.find('\0');
        if (rest.starts_with(key))
            return rest.substr(key.size(), end - key.size());
        rest.remove_prefix(end + 1);
    }
    return default_path;
}

struct FoundProgram {
    Ref<File> file;
    std::string_view path;  // in the buffer that the search was given
};

// As execvp: a name without slash is looked for along PATH; one that may not be executed does not end the search.
LinuxResult<FoundProgram> find_program(Task& task, std::string_view name, std::string_view path,
                                       std::span<char> buffer) {
    WalkStart start{.context = task.fs(), .credentials = task.credentials()};
    if (name.size() >= buffer.size())
        return fail(Errno::enametoolong);
    if (name.contains('/') || name.empty()) {
        std::ranges::copy(name, buffer.begin());
        std::string_view whole(buffer.data(), name.size());
        auto file = LTRY(open_executable(start, whole));
        return FoundProgram{std::move(file), whole};
    }
    auto error = Errno::enoent;
    while (!path.empty()) {
        auto end = std::min(path.find(':'), path.size());
        TextBuilder candidate(buffer);
        candidate.append(path.substr(0, end)).append(end == 0 ? "" : "/").append(name);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (candidate.is_truncated())
            continue;
        auto file = open_executable(start, candidate.view());
        if (file.has_value())
            return FoundProgram{std::move(*file), candidate.view()};
        if (file.error() == Errno::eacces)
            error = Errno::eacces;
    }
    return fail(error);
}

LinuxResult<> enter_directory(Task& task, std::string_view directory) {
    Walker walker({.context = task.fs(), .credentials = task.credentials()});
    auto place = LTRY(walker.resolve(directory, LastComponent::follow));
    LTRY(check_enterable(place, task.credentials()));
    task.fs().set_working_directory(std::move(place));
    return {};
}

LinuxResult<> load(Task& task, Job& job) {
    auto& request = job.request;
    LTRY(enter_directory(task, request.directory.view()));
    std::array<char, path_limit> path;
    auto found = LTRY(find_program(task, request.arguments.first(), search_path(request.environment), path));
    return execute_program(task, std::move(found.file), found.path, request.arguments, request.environment);
}

// On the first task's own thread: file systems may make it wait.
void load_job(Task& task, void* argument) {
    auto job = Ref<Job>::adopt(*static_cast<Job*>(argument));
    auto loaded = load(task, *job);
    if (loaded.has_value()) {
        job->on_started();
        return;
    }
    job->on_start_failed(loaded.error());
    begin_group_exit(task.process(), WaitStatus::exited(127));
}

}  // namespace

void Job::change(State state) {
    {
        Lock lock(mutex_);
        // Nothing comes after the end.
        if (state_.phase == Phase::ended || state_.phase == Phase::failed)
            return;
        state_ = state;
    }
    static_cast<void>(sys::notification_signal(notification_, 1));
}

Job::State Job::state() {
    Lock lock(mutex_);
    return state_;
}

LinuxResult<> start_job(Ref<Job> job, FileSystemContext& context, FileTable& files) {
    auto credentials = LTRY(Credentials::create_root());
    auto task = LTRY(create_first_task(std::move(credentials)));
    auto prepared = [&]() -> LinuxResult<> {
        task->set_files(Ref<FileTable>::share(files));
        task->set_fs(LTRY(context.clone()));
        task->set_name("starting");
        auto& process = task->process();
        job->process_id = process.id;
        {
            Lock lock(process_table().mutex);
            process.job = job;
            if (job->terminal)
                process.group->session->terminal = Ref<ControllingTerminal>(Ref<StreamTerminal>::share(*job->terminal));
        }
        if (job->terminal) {
            job->terminal->set_session(process.id, process.id);
            LTRY(job->terminal->start_input());
        }
        auto* for_thread = Ref<Job>(job).leak();
        if (auto started = start_thread(*task, load_job, for_thread); !started.has_value()) {
            for_thread->drop_reference();
            return started;
        }
        return {};
    }();
    if (!prepared.has_value())
        discard_task(*task);
    return prepared;
}

}  // namespace astrata::linux_abi
