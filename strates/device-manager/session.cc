#include "strates/device-manager/session.h"

#include "lib/virtio/mmio_transport.h"
#include "sdk/log.h"

namespace astrata::device_manager {

namespace {

using enum abi::Rights;

// Closes a handle and everything derived from it, in every process.
void revoke(sdk::UniqueHandle& handle) {
    if (handle)
        (void)sys::handle_revoke(handle.get());
    handle.reset();
}

}  // namespace

void Session::revoke_all() {
    revoke(endpoint_);
    for (auto& window : windows_)
        revoke(window);
    for (auto& interrupt : interrupts_)
        revoke(interrupt.handle);
    interrupts_.clear();
    msix_table_ = {};
}

Result<mmio::Window> Session::bar(std::uint8_t index) {
    auto const* const bar = record_.pci.bars.find(index);
    if (bar == nullptr || bar->is_port || bar->base == 0)
        return fail(Error::not_found);
    auto mapping = TRY(PhysicalMapping::map(inventory_.machine().memory, PhysAddr{bar->base}, bar->size,
                                            sdk::read_write, abi::MapFlags::uncached));
    auto const registers = mapping.registers();
    TRY(reset_mappings_.push_back(std::move(mapping)));
    return registers;
}

// A device that is only kept from the bus goes on where it stopped once it may use it again, so it is told to forget.
void Session::reset_virtio_pci() {
    if (auto transport = virtio::PciTransport::create(inventory_.configuration(), address(), *this)) {
        if (!virtio::reset(*transport))
            sdk::log("virtio device ", Hex{address().packed()}, " does not finish its reset");
    }
    reset_mappings_.clear();
}

Result<> Session::reset_virtio_mmio() {
    auto const mapping = TRY(PhysicalMapping::map(inventory_.machine().memory, record_.mmio.base, record_.mmio.length,
                                                  sdk::read_write, abi::MapFlags::uncached));
    auto transport = virtio::MmioTransport::create(mapping.registers());
    if (!transport)
        return transport.error() == Error::not_supported ? Result<>()
                                                         : fail(transport.error());  // legacy: its driver will say so
    return virtio::reset(*transport);
}

Result<> Session::quiesce() {
    switch (record_.description.bus) {
    case abi::BusKind::virtio_mmio: return reset_virtio_mmio();
    case abi::BusKind::platform: return {};  // reaches no memory
    case abi::BusKind::pci: break;
    }
    auto& space = inventory_.configuration();
    pci::change_command(space, address(), pci::command::no_interrupt_line, pci::command::bus_master);
    if (record_.msix)
        pci::set_msix_control(space, address(), *record_.msix, false, true);
    std::uint16_t decoders = 0;
    for (auto const& bar : record_.pci.bars) {
        if (bar.base != 0)
            decoders |= bar.is_port ? pci::command::io_decode : pci::command::memory_decode;
    }
    pci::change_command(space, address(), decoders, 0);
    if (record_.pci.function.vendor == virtio::pci_vendor)
        reset_virtio_pci();
    return {};
}

Result<sdk::UniqueHandle> Session::open(sdk::UniqueHandle const& devices, std::uint32_t index) {
    if (record_.description.bus == abi::BusKind::platform && record_.description.window_count == 0)
        return fail(Error::not_supported);
    revoke_all();
    TRY(quiesce());
    // Only now that the device is quiet may the memory that it could write to go.
    revoke(domain_);
    ++generation_;
    endpoint_ = TRY(devices.duplicate(send | duplicate | transfer, badge(index, generation_)));
    auto endpoint = TRY(endpoint_.duplicate(send | duplicate | transfer));
    record_.description.driver_state = 1;
    return endpoint;
}

Result<Session::Window> Session::window(std::uint32_t position) {
    auto const& machine = inventory_.machine();
    if (position >= record_.description.window_count)
        return fail(Error::not_found);
    abi::DeviceWindow window{.base = record_.mmio.base.value, .length = record_.mmio.length};
    if (is_pci()) {
        auto left = position;
        for (auto const& bar : record_.pci.bars) {
            if (bar.base == 0)
                continue;
            if (left-- == 0) {
                window = {.base = bar.base, .length = bar.size, .is_port = bar.is_port ? 1u : 0u, .index = bar.index};
                break;
            }
        }
    }
    auto& parent = windows_[position];
    if (!parent) {
        auto const first_page = align_down(window.base, page_size);
        parent = sdk::UniqueHandle(
            window.is_port != 0
                ? TRY(sys::io_region_create(machine.ports, window.base, window.length))
                : TRY(sys::memory_object_create_physical(
                      machine.memory, first_page, align_up(window.base + window.length, page_size) - first_page)));
    }
    auto region = TRY(parent.duplicate(read | write | map | inspect | duplicate | transfer));
    return Window{window, std::move(region)};
}

Result<Session::Interrupt> Session::interrupt(std::uint32_t position) {
    if (position >= record_.description.interrupt_count)
        return fail(Error::not_found);
    bool const is_line = !record_.msix;
    for (auto const& known : interrupts_) {
        if (known.position == position)
            return Interrupt{TRY(known.handle.duplicate(receive | write | duplicate | transfer)), is_line};
    }
    auto created = is_line ? TRY(create_interrupt(position)) : TRY(create_msix(position));
    auto handle = TRY(created.duplicate(receive | write | duplicate | transfer));
    TRY(interrupts_.push_back({position, std::move(created)}));
    return Interrupt{std::move(handle), is_line};
}

Result<sdk::UniqueHandle> Session::create_interrupt(std::uint32_t) {
    auto trigger = abi::InterruptTrigger::level_low;  // PCI 3.0 section 2.2.6
    if (!is_pci()) {
        auto const& device = record_.mmio;
        trigger = device.is_edge
                      ? (device.is_active_low ? abi::InterruptTrigger::edge_low : abi::InterruptTrigger::edge_high)
                      : (device.is_active_low ? abi::InterruptTrigger::level_low : abi::InterruptTrigger::level_high);
    }
    auto const created =
        sys::interrupt_create(inventory_.machine().interrupts, record_.description.interrupt_line, trigger);
    if (!created)
        return fail(created.error() == Error::already_exists ? Error::busy : created.error());
    if (is_pci())
        pci::change_command(inventory_.configuration(), address(), 0, pci::command::no_interrupt_line);
    return sdk::UniqueHandle(*created);
}

Result<> Session::map_msix_table() {
    auto const& msix = *record_.msix;
    auto const* const bar = record_.pci.bars.find(msix.table_bar);
    if (bar == nullptr || bar->is_port || bar->base == 0 || msix.table_offset > bar->size ||
        bar->size - msix.table_offset < msix.table_bytes())
        return fail(Error::not_supported);
    msix_table_ = TRY(PhysicalMapping::map(inventory_.machine().memory, PhysAddr{bar->base + msix.table_offset},
                                           msix.table_bytes(), sdk::read_write, abi::MapFlags::uncached));
    // Nobody said what the entries hold: all are masked before the capability is switched on.
    for (std::uint32_t vector = 0; vector < msix.vectors; ++vector)
        msix_table_.registers().write_at<std::uint32_t>(vector * pci::msix_entry::bytes + pci::msix_entry::control, 1);
    pci::change_command(inventory_.configuration(), address(), pci::command::no_interrupt_line, 0);
    pci::set_msix_control(inventory_.configuration(), address(), msix, true, false);
    return {};
}

Result<sdk::UniqueHandle> Session::create_msix(std::uint32_t position) {
    if (msix_table_.bytes().empty())
        TRY(map_msix_table());
    auto const created = TRY(sys::interrupt_create_msi(inventory_.machine().interrupts));
    sdk::UniqueHandle interrupt(created.interrupt);
    auto const table = msix_table_.registers();
    auto const entry = position * pci::msix_entry::bytes;
    table.write_at(entry + pci::msix_entry::control, std::uint32_t{1});
    table.write_at(entry + pci::msix_entry::address_low, static_cast<std::uint32_t>(created.address));
    table.write_at(entry + pci::msix_entry::address_high, static_cast<std::uint32_t>(created.address >> 32));
    table.write_at(entry + pci::msix_entry::data, static_cast<std::uint32_t>(created.data));
    table.write_at(entry + pci::msix_entry::control, std::uint32_t{0});
    return interrupt;
}

Result<sdk::UniqueHandle> Session::dma() {
    if (!domain_)
        domain_ = sdk::UniqueHandle(TRY(sys::dma_domain_create(inventory_.machine().dma)));
    auto handle = TRY(domain_.duplicate(manage | duplicate | transfer));
    if (is_pci())
        pci::change_command(inventory_.configuration(), address(), pci::command::bus_master, 0);
    return handle;
}

Result<> Session::check_configuration_access(std::uint32_t offset, std::uint32_t width) const {
    if (!is_pci())
        return fail(Error::not_supported);
    if ((width != 1 && width != 2 && width != 4) || offset % width != 0)
        return fail(Error::invalid_argument);
    if (offset >= inventory_.configuration_bytes())
        return fail(Error::out_of_range);
    return {};
}

Result<std::uint32_t> Session::read_configuration(std::uint32_t offset, std::uint32_t width) {
    TRY(check_configuration_access(offset, width));
    return inventory_.configuration().read(address(), static_cast<std::uint16_t>(offset), width);
}

Result<> Session::write_configuration(std::uint32_t offset, std::uint32_t width, std::uint32_t value) {
    TRY(check_configuration_access(offset, width));
    auto& space = inventory_.configuration();
    if (pci::is_protected_from_drivers(space, address(), static_cast<std::uint16_t>(offset), width))
        return fail(Error::access_denied);
    space.write(address(), static_cast<std::uint16_t>(offset), width, value);
    return {};
}

}  // namespace astrata::device_manager
