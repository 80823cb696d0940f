// The volume, once it is mounted. Whoever needs it earlier waits.
#pragma once

#include <memory>
#include <utility>

#include "lib/async/task.h"
#include "lib/async/wait_queue.h"
#include "lib/ext4/volume.h"

namespace astrata::ext4_strate {

class MountedVolume {
public:
    /// errors    why the volume could not be mounted
    async::Task<Result<ext4::Volume*>> get() {
        co_await done_;
        if (!volume_)
            co_return fail(volume_.error());
        co_return volume_->get();
    }
    /// Once.
    void set(Result<std::unique_ptr<ext4::Volume>> volume) {
        volume_ = std::move(volume);
        done_.set();
    }

private:
    async::Event done_;
    Result<std::unique_ptr<ext4::Volume>> volume_ = fail(Error::bad_state);
};

}  // namespace astrata::ext4_strate
