#include "strates/silo-manager/device_worker.h"

#include "sdk/log.h"

namespace astrata::silo_manager {

namespace {

// Enumerating takes milliseconds; quiescing a device takes longer.
constexpr std::uint64_t patience_ns = 10'000'000'000;
constexpr unsigned device_limit = 256;

MonotonicNs deadline() {
    return sys::clock_now() + patience_ns;
}

}  // namespace

Result<> DeviceWorker::start(sdk::UniqueHandle endpoint) {
    submitted_ = sdk::UniqueHandle(TRY(sys::notification_create()));
    answered_ = sdk::UniqueHandle(TRY(sys::notification_create()));
    endpoint_ = std::move(endpoint);
    auto const entry = [](void* self) { static_cast<DeviceWorker*>(self)->run(); };
    if (auto const thread = sdk::Thread::spawn(entry, this, "devices"); !thread) {
        endpoint_.reset();
        return fail(thread.error());
    }
    return {};
}

Result<> DeviceWorker::submit(Job job) {
    {
        sdk::MutexLock lock(mutex_);
        TRY(jobs_.push_back(job));
    }
    return sys::notification_signal(submitted_.get(), 1);
}

std::optional<DeviceWorker::Job> DeviceWorker::take_job() {
    sdk::MutexLock lock(mutex_);
    if (jobs_.is_empty())
        return {};
    auto const job = jobs_.front();
    jobs_.erase(0);
    return job;
}

std::optional<DeviceWorker::Answer> DeviceWorker::take_answer() {
    sdk::MutexLock lock(mutex_);
    if (answers_.is_empty())
        return {};
    auto answer = std::move(answers_.front());
    answers_.erase(0);
    return answer;
}

void DeviceWorker::answer(Answer answer) {
    {
        sdk::MutexLock lock(mutex_);
        if (!answers_.push_back(std::move(answer)))
            sdk::log("silo manager: out of memory for devices");
    }
    (void)sys::notification_signal(answered_.get(), 1);
}

void DeviceWorker::run() {
    for (;;) {
        auto const job = take_job();
        if (!job) {
            (void)sys::object_wait(submitted_.get(), never);
            continue;
        }
        if (job->instance == enumerate_all) {
            list_devices();
            continue;
        }
        abi::DeviceManagerClient const devices(endpoint_.get());
        auto opened = devices.open(job->device, deadline());
        Answer made{.kind = Kind::opened, .instance = job->instance};
        if (opened)
            made.endpoint = std::move(*opened);
        else
            made.result = fail(opened.error());
        answer(std::move(made));
    }
}

void DeviceWorker::list_devices() {
    abi::DeviceManagerClient const devices(endpoint_.get());
    Answer end{.kind = Kind::end_of_devices};
    std::uint64_t after = 0;
    for (unsigned count = 0; count != device_limit; ++count) {
        auto const device = devices.next(after, deadline());
        if (!device) {
            if (device.error() != Error::not_found)
                end.result = fail(device.error());
            break;
        }
        // A device manager that goes round in circles is not followed.
        if (device->id <= after)
            break;
        after = device->id;
        answer({.kind = Kind::found_device, .device = *device});
    }
    answer(std::move(end));
}

}  // namespace astrata::silo_manager
