#include "sdk/environment.h"

namespace astrata::sdk {

namespace {

// Of the whole process, which is started once: arguments and name stay readable as long as it lives.
std::array<std::string_view, start::argument_limit> argument_texts;
abi::Text<32> own_name;

}  // namespace

Result<> CommonEnvironment::take_common(start::StartBlock const& block) {
    auto const& header = block.header();
    log = UniqueHandle(header.own.log);
    self = UniqueHandle(header.own.process);
    home = UniqueHandle(header.own.home);
    silo = UniqueHandle(header.own.silo);
    thread = UniqueHandle(header.own.thread);
    instance = header.instance;
    own_name = header.instance_name;
    instance_name = own_name.view();
    if (block.argument_count() > argument_texts.size())
        return fail(Error::corrupt);
    for (std::size_t i = 0; i != block.argument_count(); ++i)
        argument_texts[i] = block.argument(i);
    arguments = std::span<std::string_view const>(argument_texts).first(block.argument_count());
    return {};
}

Result<UniqueHandle> take_grant(start::StartBlock const& block, std::uint32_t role) {
    auto const handle = block.grant(role);
    if (handle == 0)
        return fail(Error::not_found);
    return UniqueHandle(handle);
}

Result<Need> take_need(start::StartBlock const& block, std::uint32_t role) {
    auto need = take_optional_need(block, role);
    if (!need)
        return fail(Error::not_found);
    return need;
}

Need take_optional_need(start::StartBlock const& block, std::uint32_t role) {
    return {.endpoint = UniqueHandle(block.grant(role, 0)), .restarted = UniqueHandle(block.grant(role, 1))};
}

}  // namespace astrata::sdk
