#include "strates/silo-manager/catalogue.h"

#include <algorithm>

#include "lib/cpio/archive.h"
#include "lib/manifest/device_match.h"

namespace astrata::silo_manager {

namespace {

constexpr std::string_view manifest_folder = "manifests/";
constexpr std::string_view program_folder = "strates/";

}  // namespace

Result<Catalogue> Catalogue::read(Bytes archive, Complaints& complaints) {
    Catalogue catalogue;
    // Two passes, because programs may come before or after their manifests.
    for (auto const folder : {manifest_folder, program_folder}) {
        cpio::Reader reader(archive);
        for (;;) {
            auto const entry = reader.next();
            if (!entry) {
                complaints.on_bad_manifest("boot archive", entry.error());
                break;
            }
            if (!*entry)
                break;
            auto const& file = **entry;
            if (!file.is_file() || !file.name.starts_with(folder))
                continue;
            auto const name = file.name.substr(folder.size());
            if (folder == manifest_folder) {
                TRY(catalogue.add(name, file.contents, complaints));
            } else if (auto* const program = const_cast<Program*>(catalogue.find(name))) {
                program->image = file.contents;
                program->image_offset = file.contents_offset;
            }
        }
    }
    catalogue.drop_programs_without_image(complaints);
    return catalogue;
}

Result<> Catalogue::add(std::string_view name, Bytes stored, Complaints& complaints) {
    auto const decoded = manifest::Manifest::decode(stored);
    if (!decoded || decoded->name.view() != name || find(name) != nullptr) {
        complaints.on_bad_manifest(name, decoded ? Error::corrupt : decoded.error());
        return {};
    }
    std::unique_ptr<Program> program(new (std::nothrow) Program{.manifest = *decoded, .image = {}});
    if (program == nullptr)
        return fail(Error::no_memory);
    return programs_.push_back(std::move(program));
}

void Catalogue::drop_programs_without_image(Complaints& complaints) {
    for (std::size_t i = programs_.size(); i != 0; --i) {
        if (programs_[i - 1]->image.empty()) {
            complaints.on_bad_manifest(programs_[i - 1]->manifest.name.view(), Error::not_found);
            programs_.erase(i - 1);
        }
    }
}

Program const* Catalogue::find(std::string_view name) const {
    for (auto const& program : programs_) {
        if (program->manifest.name == name)
            return program.get();
    }
    return nullptr;
}

Program const* Catalogue::provider_of(std::string_view scheme) const {
    for (auto const& program : programs_) {
        if (program->manifest.start == manifest::Start::device)
            continue;
        if (std::ranges::any_of(program->manifest.provides,
                                [&](auto const& provide) { return provide.scheme == scheme; }))
            return program.get();
    }
    return nullptr;
}

Program const* Catalogue::provider_of_interface(std::string_view interface) const {
    for (auto const& program : programs_) {
        if (std::ranges::any_of(program->manifest.provides,
                                [&](auto const& provide) { return provide.interface == interface; }))
            return program.get();
    }
    return nullptr;
}

Program const* Catalogue::driver_for(abi::DeviceDescription const& device) const {
    Program const* best = nullptr;
    int best_quality = 0;
    for (auto const& program : programs_) {
        if (program->manifest.start != manifest::Start::device)
            continue;
        auto const quality = manifest::match_quality(program->manifest, device);
        if (quality > best_quality) {
            best = program.get();
            best_quality = quality;
        }
    }
    return best;
}

}  // namespace astrata::silo_manager
