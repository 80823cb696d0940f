// Asks the device manager on a thread of its own, so that one that hangs cannot hang the silo manager.
#pragma once

#include <optional>

#include "abi/device.h"
#include "lib/containers/vector.h"
#include "sdk/handle.h"
#include "sdk/sync.h"
#include "sdk/thread.h"

namespace astrata::silo_manager {

class DeviceWorker {
public:
    enum class Kind : std::uint8_t { found_device, end_of_devices, opened };
    /// What came of a request.
    struct Answer {
        Kind kind = Kind::found_device;
        abi::DeviceDescription device{};  // found_device
        Result<> result;                  // end_of_devices, opened
        sdk::UniqueHandle endpoint;       // opened
        std::uint64_t instance = 0;       // opened: as it was asked with
    };

    /// `endpoint` is the device manager's. Must stay where it is from then on, for good.
    [[nodiscard]] Result<> start(sdk::UniqueHandle endpoint);
    [[nodiscard]] bool is_started() const { return static_cast<bool>(endpoint_); }

    /// Answers come as found_device for each device, then end_of_devices.
    /// errors    no_memory
    [[nodiscard]] Result<> enumerate() { return submit({.instance = enumerate_all, .device = 0}); }
    /// Answered by `opened`.
    [[nodiscard]] Result<> open(std::uint64_t device, std::uint64_t instance) {
        return submit({.instance = instance, .device = device});
    }

    /// Signalled when there are answers to take.
    [[nodiscard]] abi::Handle answered() const { return answered_.get(); }
    [[nodiscard]] std::optional<Answer> take_answer();

private:
    static constexpr std::uint64_t enumerate_all = ~std::uint64_t{0};
    struct Job {
        std::uint64_t instance = 0;
        std::uint64_t device = 0;
    };

    [[nodiscard]] Result<> submit(Job job);
    [[nodiscard]] std::optional<Job> take_job();
    void run();
    void list_devices();
    void answer(Answer answer);

    sdk::UniqueHandle endpoint_;
    sdk::UniqueHandle submitted_;  // notifications
    sdk::UniqueHandle answered_;
    sdk::Mutex mutex_;
    Vector<Job> jobs_ GUARDED_BY(mutex_);
    Vector<Answer> answers_ GUARDED_BY(mutex_);
};

}  // namespace astrata::silo_manager
