// What the boot archive holds: programs and their manifests.
#pragma once

#include <memory>
#include <string_view>

#include "abi/device_types.h"
#include "lib/base/bytes.h"
#include "lib/containers/vector.h"
#include "lib/manifest/manifest.h"

namespace astrata::silo_manager {

struct Program {
    manifest::Manifest manifest;
    Bytes image;                     ///< the ELF file; borrowed from the archive
    std::uint64_t image_offset = 0;  ///< in the archive
};

class Catalogue {
public:
    /// Hears of what cannot be used; nothing in the archive can keep the rest from starting.
    class Complaints {
    public:
        virtual ~Complaints() = default;
        virtual void on_bad_manifest(std::string_view name, Error error) = 0;
    };

    /// The archive's bytes must stay.
    /// errors    no_memory; an archive that ends early is complained about and used so
    /// far
    [[nodiscard]] static Result<Catalogue> read(Bytes archive, Complaints& complaints);

    [[nodiscard]] std::size_t size() const { return programs_.size(); }
    [[nodiscard]] Program const& operator[](std::size_t position) const { return *programs_[position]; }
    /// Null if there is none.
    [[nodiscard]] Program const* find(std::string_view name) const;
    /// The program that provides a scheme under exactly this name: never a driver, whose instances append a number.
    [[nodiscard]] Program const* provider_of(std::string_view scheme) const;
    [[nodiscard]] Program const* provider_of_interface(std::string_view interface) const;
    /// The driver that fits a device best; null if none does.
    [[nodiscard]] Program const* driver_for(abi::DeviceDescription const& device) const;

private:
    [[nodiscard]] Result<> add(std::string_view name, Bytes manifest, Complaints& complaints);
    void drop_programs_without_image(Complaints& complaints);

    Vector<std::unique_ptr<Program>> programs_;
};

}  // namespace astrata::silo_manager
