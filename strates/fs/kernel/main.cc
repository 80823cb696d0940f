// The FileSystem interface on Bedrock's counters.
#include "abi/file_system.h"
#include "kernel-files/environment.h"
#include "sdk/event_loop.h"
#include "sdk/memory.h"
#include "strates/fs/kernel/tree.h"

namespace astrata {

namespace {

using kernel_files::Node;

constexpr std::size_t contents_limit = 2048;
constexpr std::uint32_t directory_mode = 0555;
constexpr std::uint32_t file_mode = 0444;

class KernelFiles final : public abi::FileSystemServer {
public:
    explicit KernelFiles(abi::Handle root_silo) : root_silo_(root_silo) {}

    void root(sdk::Caller const&, RootRequest const&, RootResponder responder) override {
        responder.reply(kernel_files::root.number());
    }
    void statistics(sdk::Caller const&, StatisticsRequest const&, StatisticsResponder responder) override {
        responder.reply({.block_size = page_size,
                         .flags = abi::FileSystemFlags::read_only,
                         .name_limit = 255,
                         .kind = abi::Text<16>::from("kernel")});
    }
    void lookup(sdk::Caller const&, LookupRequest const& request, LookupResponder responder) override {
        auto found = [&]() -> Result<abi::NodeAttributes> {
            auto const units = TRY(count_units());
            auto const directory = TRY(kernel_files::node_of(request.directory, units));
            return describe(TRY(kernel_files::lookup(directory, request.name, units)));
        }();
        found ? responder.reply(*found) : responder.fail(found.error());
    }
    void attributes(sdk::Caller const&, AttributesRequest const& request, AttributesResponder responder) override {
        auto found = [&]() -> Result<abi::NodeAttributes> {
            return describe(TRY(kernel_files::node_of(request.node, TRY(count_units()))));
        }();
        found ? responder.reply(*found) : responder.fail(found.error());
    }
    void read_directory(sdk::Caller const&, ReadDirectoryRequest const& request,
                        ReadDirectoryResponder responder) override {
        std::array<std::byte, 3900> entries;
        auto const used = [&]() -> Result<std::size_t> {
            auto const units = TRY(count_units());
            auto const directory = TRY(kernel_files::node_of(request.directory, units));
            return kernel_files::list(directory, request.cursor, units, entries);
        }();
        used ? responder.reply(Bytes(entries).first(*used)) : responder.fail(used.error());
    }
    void open(sdk::Caller const&, OpenRequest const& request, OpenResponder responder) override {
        TextBuffer<contents_limit> text;
        auto made = [&]() -> Result<sdk::UniqueHandle> {
            auto const node = TRY(kernel_files::node_of(request.node, TRY(count_units())));
            if (node.is_directory())
                return fail(Error::is_a_directory);
            TRY(append_contents(text, node));
            auto object = TRY(sdk::MemoryObject::create(text.size()));
            TRY(object.write(0, as_bytes(text.view())));
            using enum abi::Rights;
            return object.handle().duplicate(read | map | inspect | duplicate | transfer);
        }();
        made ? responder.reply(std::move(*made), text.size()) : responder.fail(made.error());
    }
    void sync(sdk::Caller const&, SyncRequest const&, SyncResponder responder) override { responder.reply(); }

    void read_link(sdk::Caller const&, ReadLinkRequest const&, ReadLinkResponder responder) override {
        responder.fail(Error::invalid_argument);
    }
    void get_extended_attribute(sdk::Caller const&, GetExtendedAttributeRequest const&,
                                GetExtendedAttributeResponder responder) override {
        responder.fail(Error::not_found);
    }
    void list_extended_attributes(sdk::Caller const&, ListExtendedAttributesRequest const&,
                                  ListExtendedAttributesResponder responder) override {
        responder.reply(Bytes());
    }
    void create(sdk::Caller const&, CreateRequest const&, CreateResponder responder) override {
        responder.fail(Error::read_only);
    }
    void create_link(sdk::Caller const&, CreateLinkRequest const&, CreateLinkResponder responder) override {
        responder.fail(Error::read_only);
    }
    void link(sdk::Caller const&, LinkRequest const&, LinkResponder responder) override {
        responder.fail(Error::read_only);
    }
    void remove(sdk::Caller const&, RemoveRequest const&, RemoveResponder responder) override {
        responder.fail(Error::read_only);
    }
    void rename(sdk::Caller const&, RenameRequest const&, RenameResponder responder) override {
        responder.fail(Error::read_only);
    }
    void set_attributes(sdk::Caller const&, SetAttributesRequest const&, SetAttributesResponder responder) override {
        responder.fail(Error::read_only);
    }
    void write(sdk::Caller const&, WriteRequest const&, WriteResponder responder) override {
        responder.fail(Error::read_only);
    }

private:
    [[nodiscard]] Result<kernel_files::Units> count_units() const {
        auto const machine = TRY(sys::machine_info(root_silo_));
        return kernel_files::Units{.cpus = machine.cpus, .numa_nodes = machine.nodes};
    }

    Result<> append_contents(TextBuilder& text, Node const& file) const {
        kernel_files::Facts facts{.machine = TRY(sys::machine_info(root_silo_))};
        if (file.kind == Node::Kind::cpu_file)
            facts.cpu = TRY(sys::cpu_info(root_silo_, file.unit));
        else if (file.kind == Node::Kind::numa_node_file)
            facts.numa_node = TRY(sys::node_info(root_silo_, file.unit));
        kernel_files::append_contents(text, file, facts);
        return {};
    }

    // The size is what the contents have now; an open a moment later may find a digit more.
    Result<abi::NodeAttributes> describe(Node const& node) const {
        TextBuffer<contents_limit> text;
        TRY(append_contents(text, node));
        auto const now = static_cast<std::int64_t>(sys::clock_wall_ns());
        return abi::NodeAttributes{
            .node = node.number(),
            .size = text.size(),
            .kind = node.is_directory() ? abi::NodeKind::directory : abi::NodeKind::file,
            .mode = node.is_directory() ? directory_mode : file_mode,
            .links = node.is_directory() ? 2U : 1U,
            .accessed_ns = now,
            .modified_ns = now,
            .changed_ns = now,
        };
    }

    abi::Handle root_silo_;
};

}  // namespace

Result<> strate_main(kernel_files::Environment& environment) {
    KernelFiles server(environment.root_silo.get());
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.serve(std::move(environment.file_system), server));
    return loop.run();
}

}  // namespace astrata
