// The endpoints behind schemes. They belong to the silo manager, so they outlive the instances that serve them: calls
// to a strate that is being restarted wait in the endpoint's queue.
#pragma once

#include <memory>
#include <string_view>

#include "lib/containers/vector.h"
#include "lib/manifest/manifest.h"
#include "sdk/handle.h"

namespace astrata::silo_manager {

class Instance;

struct Scheme {
    manifest::Name name;
    manifest::Name interface;
    sdk::UniqueHandle endpoint;  // with every right
    Instance* provider = nullptr;
};

class Schemes {
public:
    [[nodiscard]] Scheme* find(std::string_view name) {
        for (auto& scheme : schemes_) {
            if (scheme->name == name)
                return scheme.get();
        }
        return nullptr;
    }
    [[nodiscard]] std::size_t size() const { return schemes_.size(); }
    [[nodiscard]] Scheme& operator[](std::size_t position) { return *schemes_[position]; }

    /// errors    no_memory, no_resources, already_exists (with another provider)
    [[nodiscard]] Result<Scheme*> provide(manifest::Name name, manifest::Name interface, Instance& provider) {
        if (auto* const present = find(name.view())) {
            if (present->provider != &provider)
                return fail(Error::already_exists);
            return present;
        }
        std::unique_ptr<Scheme> made(
            new (std::nothrow) Scheme{.name = name, .interface = interface, .endpoint = {}, .provider = &provider});
        if (made == nullptr)
            return fail(Error::no_memory);
        made->endpoint = sdk::UniqueHandle(TRY(sys::endpoint_create()));
        TRY(schemes_.push_back(std::move(made)));
        return schemes_.back().get();
    }
    /// Closes the endpoints of an instance that is gone for good: calls to it fail from now on.
    void remove_all_of(Instance const& provider) {
        for (std::size_t i = schemes_.size(); i != 0; --i) {
            if (schemes_[i - 1]->provider == &provider)
                schemes_.erase(i - 1);
        }
    }

private:
    Vector<std::unique_ptr<Scheme>> schemes_;
};

}  // namespace astrata::silo_manager
