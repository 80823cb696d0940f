#include "apps/chevron/run/jobs.h"

#include "apps/chevron/commands/command.h"

namespace astrata::chevron {

Result<> Jobs::add(Ref<Job> job) {
    if (jobs_.size() == job_limit)
        return fail(Error::no_resources);
    std::size_t position = 0;
    while (position < jobs_.size() && jobs_[position]->number_ == position + 1)
        ++position;
    job->number_ = static_cast<unsigned>(position + 1);
    return jobs_.insert(position, std::move(job));
}

void Jobs::remove(Job const& job) {
    for (std::size_t position = 0; position < jobs_.size(); ++position) {
        if (jobs_[position].get() == &job) {
            jobs_.erase(position);
            return;
        }
    }
}

RefOrNull<Job> Jobs::at(std::size_t position) const {
    return position < jobs_.size() ? RefOrNull<Job>(jobs_[position]) : nullptr;
}

RefOrNull<Job> Jobs::find(std::string_view name) const {
    if (name.empty())
        return jobs_.is_empty() ? nullptr : RefOrNull<Job>(jobs_.back());
    if (name.starts_with('%'))
        name.remove_prefix(1);
    auto const number = parse_number<unsigned>(name);
    for (auto const& job : jobs_) {
        if (number && job->number_ == *number)
            return job;
    }
    return nullptr;
}

}  // namespace astrata::chevron
