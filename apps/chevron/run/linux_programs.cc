#include "apps/chevron/run/linux_programs.h"

#include "apps/chevron/memory.h"

namespace astrata::chevron {
namespace {

Result<sdk::UniqueHandle> copy_of(abi::Handle endpoint) {
    auto const rights = abi::Rights::send | abi::Rights::transfer | abi::Rights::duplicate;
    return sdk::UniqueHandle(TRY(sys::handle_duplicate(endpoint, rights, 0)));
}

struct ParameterBlock {
    sdk::UniqueHandle object;
    std::uint32_t length = 0;
};

Result<ParameterBlock> make_block(shell::ProgramParameters const& parameters, std::string_view program) {
    auto const size = TRY(parameters.serialize(program, [](Bytes) -> Result<> { return {}; }));
    ParameterBlock block;
    block.object = sdk::UniqueHandle(TRY(sys::memory_object_create(size)));
    std::uint64_t offset = 0;
    block.length = static_cast<std::uint32_t>(TRY(parameters.serialize(program, [&](Bytes piece) -> Result<> {
        TRY(sys::memory_object_write(block.object.get(), offset, piece));
        offset += piece.size();
        return {};
    })));
    return block;
}

}  // namespace

Result<Ref<Connection>> LinuxPrograms::connect_to(std::string_view name) const {
    auto endpoint = TRY(manager_.connect(name));
    return make_ref<Connection>(std::move(endpoint));
}

Result<Ref<Connection>> LinuxPrograms::connect() {
    Lock lock(mutex_);
    if (connection_)
        return Ref<Connection>::share(*connection_);
    // An earlier instance of the shell may have made it; one that has ended is replaced.
    auto endpoint = manager_.connect(silo);
    if (!endpoint)
        endpoint = manager_.create_linux_silo(silo, root_scheme_, 0, 0);
    if (!endpoint)
        return fail(endpoint.error());
    auto made = TRY(make_ref<Connection>(std::move(*endpoint)));
    connection_ = made;
    return made;
}

void LinuxPrograms::forget() {
    Lock lock(mutex_);
    connection_ = nullptr;
}

Result<LinuxJob> LinuxPrograms::try_start(Ref<Connection> const& personality,
                                          shell::ProgramParameters const& parameters, std::string_view program,
                                          ProgramStreams const& streams) {
    auto block = TRY(make_block(parameters, program));
    auto input = TRY(copy_of(streams.input));
    auto output = TRY(copy_of(streams.output));
    auto error = TRY(copy_of(streams.error));
    auto const id = TRY(personality->client().start(std::move(block.object), block.length, streams.are_terminal ? 1 : 0,
                                                    streams.columns, streams.rows, std::move(input), std::move(output),
                                                    std::move(error)));
    return LinuxJob{.personality = personality, .id = id};
}

Result<LinuxJob> LinuxPrograms::start(shell::ProgramParameters const& parameters, ProgramStreams const& streams) {
    auto personality = TRY(connect());
    auto const name = parameters.program();
    auto job = try_start(personality, parameters, name, streams);
    if (!job && job.error() == Error::peer_closed) {
        // The personality was restarted since the last program.
        forget();
        personality = TRY(connect());
        job = try_start(personality, parameters, name, streams);
    }
    if (job || job.error() != Error::not_found || name.contains('/'))
        return job;
    // A personality that takes names as they are: look along the path for it.
    shell::ProgramSearch search(name, parameters.environment("PATH").value_or(shell::default_search_path));
    while (auto const candidate = search.next()) {
        job = try_start(personality, parameters, *candidate, streams);
        if (job || (job.error() != Error::not_found && job.error() != Error::not_a_directory))
            return job;
    }
    return fail(Error::not_found);
}

}  // namespace astrata::chevron
