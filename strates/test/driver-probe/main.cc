// Tries every driver once and tells on the console.
#include <array>
#include <optional>

#include "abi/block.h"
#include "abi/device.h"
#include "abi/file_system.h"
#include "abi/silo_manager.h"
#include "abi/stream.h"
#include "driver-probe/environment.h"
#include "lib/containers/text_builder.h"
#include "lib/pci/class_names.h"
#include "lib/ring/ring.h"
#include "sdk/memory.h"

namespace astrata {

namespace {

abi::Handle console = 0;

template <typename... Parts>
void say(Parts const&... parts) {
    TextBuffer<400> line;
    (line.append(parts), ...);
    line.append("\r\n");
    (void)abi::StreamClient(console).write(as_bytes(line.view()));
}

void list_strates(abi::SiloManagerClient const& manager) {
    for (std::uint32_t position = 0; auto const info = manager.instance(position); ++position) {
        say("strate ", info->name.view(), ": ", abi::name_of(info->state), ", restarts ", info->restarts, ", ",
            info->memory_used / 1024, " KiB");
        auto const log = manager.log(info->name.view(), 0);
        if (log)
            (void)abi::StreamClient(console).write(log->text.view());
    }
}

void list_devices(abi::DeviceManagerClient const& devices) {
    std::uint64_t after = 0;
    while (auto const device = devices.next(after)) {
        after = device->id;
        say("device ", Hex{device->id}, " ", abi::name_of(device->bus), " ", Hex{device->vendor}, ":",
            Hex{device->device}, " ",
            device->bus == abi::BusKind::pci ? pci::class_name(device->class_code) : device->name.view(), ", line ",
            device->interrupt_line, ", interrupts ", device->interrupt_count, ", windows ", device->window_count);
    }
}

Result<> try_archive(abi::FileSystemClient const& files) {
    auto const root = TRY(files.root());
    auto const listing = TRY(files.read_directory(root, 0));
    say("archive: ", listing.size(), " bytes of root directory");
    auto const bin = TRY(files.lookup(root, "bin"));
    auto const busybox = TRY(files.lookup(bin.node, "busybox"));
    auto const opened = TRY(files.open(busybox.node));
    std::array<std::byte, 4> magic{};
    TRY(sys::memory_object_read(opened.contents.get(), 0, magic));
    say("busybox: ", opened.size, " bytes, magic ", Hex{std::to_integer<unsigned>(magic[1])});
    auto const made = TRY(files.create(root, "new", abi::NodeKind::file, 0644, 0, 0, 0));
    TRY(files.write(made.node, 0, as_bytes("hello")));
    auto const mine = TRY(files.open(made.node));
    std::array<std::byte, 5> text{};
    TRY(sys::memory_object_read(mine.contents.get(), 0, text));
    say("new file: ", as_text(text), ", ", TRY(files.attributes(made.node)).size, " bytes");
    return {};
}

// Reads the whole disk through rings, four requests at a time, and goes on with a new session whenever the driver was
// restarted: the sum is right in any case.
class DiskReader {
public:
    DiskReader(sdk::Need const& disk, abi::SiloManagerClient const& manager) : need_(disk), manager_(manager) {}

    /// kill_at    kill the driver when so many chunks were read; 0: never
    Result<> read_all(std::uint64_t kill_at) {
        auto const geometry = TRY(client().geometry(sys::clock_now() + 5'000'000'000));
        chunk_bytes_ = std::uint64_t{chunk_blocks} * geometry.block_size;
        total_ = std::min<std::uint64_t>(geometry.blocks / chunk_blocks, is_done_.size());
        auto const begin = sys::clock_now();
        TRY(connect());
        while (done_ < total_) {
            TRY(submit_missing());
            if (!TRY(take_completions()))
                TRY(await());
            if (kill_at != 0 && done_ >= kill_at) {
                kill_at = 0;
                TRY(manager_.kill("virtio-blk.0"));
            }
        }
        auto const elapsed = sys::clock_now().value - begin.value;
        say("disk: ", done_ * chunk_bytes_ / 1024, " KiB of ", geometry.serial.view(), ", ", errors_, " errors, ",
            sessions_, " sessions, sum ", Hex{sum_}, ", ", elapsed / 1000, " us");
        return {};
    }

private:
    static constexpr std::uint32_t chunk_blocks = 256;
    static constexpr std::uint64_t depth = 4;

    [[nodiscard]] abi::BlockClient client() const { return abi::BlockClient(need_.endpoint.get()); }

    Result<> connect() {
        session_ = TRY(client().connect(sys::clock_now() + 5'000'000'000));
        ++sessions_;
        ring::SessionLayout<abi::BlockRequest> const layout{session_.entries};
        rings_ = TRY(sdk::Mapping::map(session_.rings.get(), 0, layout.bytes()));
        pool_ = TRY(sdk::Mapping::map(session_.buffers.get(), 0, session_.buffer_bytes));
        submissions_ = TRY(ring::Producer<abi::BlockRequest>::create(
            rings_.bytes().subspan(layout.submissions_offset()), session_.entries));
        completions_ = TRY(ring::Consumer<abi::BlockRequest>::create(
            rings_.bytes().subspan(layout.completions_offset()), session_.entries));
        in_flight_.fill(false);
        return {};
    }

    // Chunk `index` uses place `index % depth` of the pool.
    Result<> submit_missing() {
        for (std::uint64_t index = 0; index < total_; ++index) {
            if (is_done_[index] || in_flight_[index % depth])
                continue;
            abi::BlockRequest const request{.id = index,
                                            .operation = abi::BlockOperation::read,
                                            .first_block = index * chunk_blocks,
                                            .block_count = chunk_blocks,
                                            .buffer_offset = index % depth * chunk_bytes_};
            auto const moved = TRY(submissions_->push(request));
            in_flight_[index % depth] = true;
            if (moved.must_signal)
                TRY(sys::notification_signal(session_.submit.get(), 1));
        }
        return {};
    }

    Result<bool> take_completions() {
        abi::BlockRequest completion;
        if (TRY(completions_->pop_batch(std::span(&completion, 1))).count == 0)
            return false;
        in_flight_[completion.id % depth] = false;
        is_done_[completion.id] = true;
        errors_ += completion.status != 0 ? 1 : 0;
        auto const bytes = pool_.bytes().subspan(completion.buffer_offset, chunk_bytes_);
        for (std::size_t at = 0; at < bytes.size(); at += 8)
            sum_ += TRY(load<std::uint64_t>(bytes, at));
        ++done_;
        return true;
    }

    Result<> await() {
        if (sys::object_wait(need_.restarted.get(), MonotonicNs{0}))
            return connect();
        auto const waited = sys::object_wait(session_.complete.get(), sys::clock_now() + 50'000'000);
        return waited || waited.error() == Error::timed_out ? Result<>() : fail(waited.error());
    }

    sdk::Need const& need_;
    abi::SiloManagerClient const& manager_;
    abi::BlockClient::ConnectReply session_;
    sdk::Mapping rings_;
    sdk::Mapping pool_;
    std::optional<ring::Producer<abi::BlockRequest>> submissions_;
    std::optional<ring::Consumer<abi::BlockRequest>> completions_;
    std::array<bool, depth> in_flight_{};
    std::array<bool, 4096> is_done_{};
    std::uint64_t chunk_bytes_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t sessions_ = 0;
    std::uint64_t sum_ = 0;
};

Result<> try_ports(abi::Handle endpoint) {
    abi::StreamDirectoryClient const ports(endpoint);
    auto const names = TRY(ports.list());
    say("ports: ", as_text(names.view()));
    auto const stream = TRY(ports.open("org.astrata.stdin"));
    TRY(abi::StreamClient(stream.get()).write(as_bytes("to the host\n")));
    say("port written");
    for (int count = 0; count < 2; ++count) {
        auto const text = abi::StreamClient(stream.get()).read(100, sys::clock_now() + 3'000'000'000);
        say("port read: ", text ? as_text(text->view()) : name_of(text.error()));
    }
    return {};
}

}  // namespace

Result<> strate_main(driver_probe::Environment& environment) {
    console = environment.console.endpoint.get();
    (void)sys::thread_sleep(sys::clock_now() + 300'000'000);
    say("probe");
    list_devices(abi::DeviceManagerClient(environment.devices.endpoint.get()));
    if (auto const result = try_archive(abi::FileSystemClient(environment.archive.endpoint.get())); !result)
        say("archive failed: ", result.error());
    abi::SiloManagerClient const manager(environment.silo_manager.get());
    if (environment.disk) {
        for (std::uint64_t const kill_at : {0, 10, 0}) {
            if (auto const result = DiskReader(environment.disk, manager).read_all(kill_at); !result)
                say("disk failed: ", result.error());
        }
    }
    if (environment.ports) {
        if (auto const result = try_ports(environment.ports.endpoint.get()); !result)
            say("ports failed: ", result.error());
    }
    list_strates(manager);
    say("wall clock ", sys::clock_wall_ns() / 1'000'000'000, " s; powering off");
    if (auto const result = abi::PowerClient(environment.power.endpoint.get()).power_off(); !result)
        say("power off: ", result.error());
    return {};
}

}  // namespace astrata
