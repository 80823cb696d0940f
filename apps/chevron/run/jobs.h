// What runs behind the prompt or is stopped: the table that jobs, fg, bg and kill %N work on.
#pragma once

#include <cstdint>
#include <string_view>

#include "apps/chevron/lock.h"
#include "apps/chevron/memory.h"
#include "lib/base/ref.h"
#include "lib/containers/string.h"
#include "lib/containers/vector.h"

namespace astrata::chevron {

class Interpreter;
class Shell;

enum class JobStatus : std::uint8_t { running, stopped, ended };

class Job : public RefCounted<Job> {
public:
    explicit Job(String text) : text_(std::move(text)) {}
    virtual ~Job() = default;
    static void destroy(Job* job) { delete job; }

    [[nodiscard]] virtual JobStatus state() = 0;
    /// Of the ended job.
    [[nodiscard]] virtual int exit_status() = 0;
    /// Lets it go on in the foreground and waits until it ends or stops; returns its status.
    virtual int continue_in_foreground(Shell& shell) = 0;
    /// errors    bad_state (not stopped), and what the personality answers
    [[nodiscard]] virtual Result<> continue_in_background() = 0;
    /// errors    what the personality answers
    [[nodiscard]] virtual Result<> signal(std::uint32_t number) = 0;

    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] unsigned number() const { return number_; }

private:
    friend class Jobs;
    String text_;
    unsigned number_ = 0;
};

/// Used by the main thread only.
class Jobs {
public:
    static constexpr std::size_t job_limit = 32;

    /// Gives the job the smallest free number.
    /// errors    no_resources (too many), no_memory
    [[nodiscard]] Result<> add(Ref<Job> job);
    void remove(Job const& job);
    /// By position, in the order of numbers.
    [[nodiscard]] RefOrNull<Job> at(std::size_t position) const;
    /// `%N`, `N`, or, with an empty name, the newest.
    [[nodiscard]] RefOrNull<Job> find(std::string_view name) const;
    /// Calls `tell(Job&)` for each job that has ended and forgets it.
    template <typename Tell>
    void collect(Tell tell) {
        for (std::size_t position = 0; position < jobs_.size();) {
            if (jobs_[position]->state() != JobStatus::ended) {
                ++position;
                continue;
            }
            tell(*jobs_[position]);
            jobs_.erase(position);
        }
    }

private:
    Vector<Ref<Job>> jobs_;  // sorted by number
};

}  // namespace astrata::chevron
