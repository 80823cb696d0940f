#include "strates/silo-manager/boot_order.h"

#include <algorithm>

namespace astrata::silo_manager {

namespace {

bool needs_any_of(Program const& program, Vector<Program const*> const& others, Catalogue const& catalogue) {
    return std::ranges::any_of(program.manifest.needs, [&](manifest::Need const& need) {
        auto const* const provider = catalogue.provider_of(need.scheme.view());
        return provider != nullptr && provider != &program && std::ranges::find(others, provider) != others.end();
    });
}

}  // namespace

Result<Vector<Program const*>> boot_order(Catalogue const& catalogue) {
    Vector<Program const*> waiting;
    Vector<Program const*> ordered;
    for (std::size_t i = 0; i != catalogue.size(); ++i) {
        if (catalogue[i].manifest.start == manifest::Start::boot)
            TRY(waiting.push_back(&catalogue[i]));
    }
    while (!waiting.is_empty()) {
        std::size_t next = 0;
        while (next != waiting.size() && needs_any_of(*waiting[next], waiting, catalogue))
            ++next;
        if (next == waiting.size())
            next = 0;  // everybody waits for somebody: a cycle
        TRY(ordered.push_back(waiting[next]));
        waiting.erase(next);
    }
    return ordered;
}

}  // namespace astrata::silo_manager
