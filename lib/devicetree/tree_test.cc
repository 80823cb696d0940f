#include <libfdt.h>

#include <vector>

#include <gtest/gtest.h>

#include "lib/devicetree/interrupts.h"
#include "lib/devicetree/pci_host.h"
#include "lib/devicetree/tree.h"

namespace astrata::devicetree {
namespace {

// Writes a tree with libfdt's sequential functions.
class Writer {
public:
    Writer() : storage_(64 << 10) {
        fdt_create(data(), static_cast<int>(storage_.size()));
        fdt_finish_reservemap(data());
        begin("");
    }
    Writer& begin(char const* name) {
        EXPECT_EQ(fdt_begin_node(data(), name), 0);
        return *this;
    }
    Writer& end() {
        EXPECT_EQ(fdt_end_node(data()), 0);
        return *this;
    }
    Writer& cells(char const* name, std::initializer_list<std::uint32_t> values) {
        std::vector<be32> stored(values.begin(), values.end());
        EXPECT_EQ(fdt_property(data(), name, stored.data(), static_cast<int>(stored.size() * sizeof(be32))), 0);
        return *this;
    }
    Writer& text(char const* name, char const* value) {
        EXPECT_EQ(fdt_property_string(data(), name, value), 0);
        return *this;
    }
    Bytes finish() {
        end();
        EXPECT_EQ(fdt_finish(data()), 0);
        return std::as_bytes(std::span(storage_));
    }

private:
    void* data() { return storage_.data(); }
    std::vector<char> storage_;
};

// A machine as QEMU's virt describes itself, with a bus that moves addresses and an interrupt controller of each kind.
Bytes machine(Writer& writer) {
    writer.cells("#address-cells", {2}).cells("#size-cells", {2}).cells("interrupt-parent", {1});
    writer.begin("memory@40000000")
        .text("device_type", "memory")
        .cells("reg", {0, 0x4000'0000, 0, 0x1000'0000, 1, 0, 2, 0})
        .end();
    writer.begin("intc@8000000")
        .text("compatible", "arm,cortex-a15-gic")
        .cells("#interrupt-cells", {3})
        .cells("#address-cells", {2});
    writer.cells("interrupt-controller", {}).cells("phandle", {1}).end();
    writer.begin("plic@c000000")
        .text("compatible", "riscv,plic0")
        .cells("#interrupt-cells", {1})
        .cells("#address-cells", {0});
    writer.cells("interrupt-controller", {})
        .cells("phandle", {2})
        .cells("interrupts-extended", {1, 1, 11, 4, 1, 0, 9, 4})
        .end();
    writer.begin("virtio_mmio@a000000")
        .text("compatible", "virtio,mmio")
        .cells("reg", {0, 0x0a00'0000, 0, 0x200})
        .cells("interrupts", {0, 16, 1})
        .end();
    writer.begin("virtio_mmio@a000200").text("compatible", "virtio,mmio").text("status", "disabled").end();
    writer.begin("soc")
        .cells("#address-cells", {1})
        .cells("#size-cells", {1})
        .cells("ranges", {0x100, 0, 0x9000'0000, 0x1000});
    writer.begin("uart@180")
        .cells("reg", {0x180, 0x20})
        .cells("interrupt-parent", {2})
        .cells("interrupts", {10})
        .end()
        .end();
    writer.begin("island").begin("lost@0").cells("reg", {0, 0, 0, 1}).end().end();
    writer.begin("pcie@10000000")
        .text("compatible", "pci-host-ecam-generic")
        .cells("reg", {0x40, 0x1000'0000, 0, 0x1000'0000});
    writer.cells("#address-cells", {3})
        .cells("#size-cells", {2})
        .cells("bus-range", {0, 255})
        .cells("#interrupt-cells", {1});
    writer.cells("ranges", {0x0100'0000, 0,    0,           0,    0x3eff'0000, 0,    0x1'0000,     //
                            0x0200'0000, 0,    0x1000'0000, 0,    0x1000'0000, 0,    0x2eff'0000,  //
                            0x0300'0000, 0x80, 0,           0x80, 0,           0x80, 0});
    writer.cells("interrupt-map-mask", {0x1800, 0, 0, 7});
    writer.cells("interrupt-map", {0, 0, 0, 1, 1, 0, 0, 0, 3, 4, 0x800, 0, 0, 1, 1, 0, 0, 0, 4, 4}).end();
    writer.begin("chosen")
        .text("bootargs", "console=serial")
        .cells("linux,initrd-start", {0, 0x4800'0000})
        .cells("linux,initrd-end", {0x4900'0000})
        .end();
    return writer.finish();
}

class DevicetreeTest : public testing::Test {
protected:
    Writer writer_;
    Bytes blob_ = machine(writer_);
    Tree tree_ = Tree::open(blob_).value();
};

TEST_F(DevicetreeTest, finds_nodes_by_path_and_kind) {
    auto const chosen = tree_.at("/chosen");
    ASSERT_TRUE(chosen);
    EXPECT_EQ(tree_.text(*chosen, "bootargs"), "console=serial");
    EXPECT_EQ(tree_.number(*chosen, "linux,initrd-start"), 0x4800'0000U);
    EXPECT_EQ(tree_.number(*chosen, "linux,initrd-end"), 0x4900'0000U);
    EXPECT_EQ(tree_.text(*chosen, "stdout-path"), "");
    EXPECT_FALSE(tree_.number(*chosen, "bootargs"));
    EXPECT_FALSE(tree_.at("/nothing"));
    auto const first = tree_.find_compatible("virtio,mmio");
    ASSERT_TRUE(first);
    EXPECT_EQ(tree_.name(*first), "virtio_mmio@a000000");
    EXPECT_TRUE(tree_.is_enabled(*first));
    auto const second = tree_.find_compatible("virtio,mmio", first);
    ASSERT_TRUE(second);
    EXPECT_FALSE(tree_.is_enabled(*second));
    EXPECT_FALSE(tree_.find_compatible("virtio,mmio", second));
}

TEST_F(DevicetreeTest, reads_every_entry_of_a_register_list) {
    auto const memory = tree_.at("/memory@40000000").value();
    EXPECT_EQ(tree_.registers(memory, 0)->start, PhysAddr{0x4000'0000});
    EXPECT_EQ(tree_.registers(memory, 1)->start, PhysAddr{std::uint64_t{1} << 32});
    EXPECT_EQ(tree_.registers(memory, 1)->length, std::uint64_t{2} << 32);
    EXPECT_EQ(tree_.registers(memory, 2).error(), Error::not_found);
}

TEST_F(DevicetreeTest, translates_addresses_through_buses) {
    auto const uart = tree_.at("/soc/uart@180").value();
    EXPECT_EQ(tree_.registers(uart)->start, PhysAddr{0x9000'0080});
    EXPECT_EQ(tree_.registers(uart)->length, 0x20U);
    // Without "ranges" nothing below is visible to the CPU.
    EXPECT_EQ(tree_.registers(tree_.at("/island/lost@0").value()).error(), Error::corrupt);
}

TEST_F(DevicetreeTest, numbers_interrupt_lines_as_their_controller_does) {
    auto const shared = interrupt_of(tree_, tree_.find_compatible("virtio,mmio").value());
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->line, 48U);
    EXPECT_TRUE(shared->is_edge);
    auto const source = interrupt_of(tree_, tree_.at("/soc/uart@180").value());
    ASSERT_TRUE(source);
    EXPECT_EQ(source->line, 10U);
    EXPECT_FALSE(source->is_edge);
    EXPECT_EQ(interrupt_of(tree_, tree_.at("/chosen").value()).error(), Error::not_found);
}

TEST_F(DevicetreeTest, describes_the_pci_host_bridge) {
    auto const host = find_pci_host(tree_);
    ASSERT_TRUE(host);
    EXPECT_EQ(host->configuration.start, PhysAddr{0x40'1000'0000});
    EXPECT_EQ(host->last_bus, 255);
    EXPECT_EQ(host->memory_32->bus_address, 0x1000'0000U);
    EXPECT_EQ(host->memory_32->region.length, 0x2eff'0000U);
    EXPECT_EQ(host->memory_64->region.start, PhysAddr{std::uint64_t{0x80} << 32});
    EXPECT_EQ(host->ports->region.start, PhysAddr{0x3eff'0000});
    EXPECT_EQ(pci_interrupt(tree_, *host, 1, 1)->line, 36U);
    EXPECT_EQ(pci_interrupt(tree_, *host, 4, 1)->line, 35U);  // by the mask, as device 0
    EXPECT_EQ(pci_interrupt(tree_, *host, 1, 2).error(), Error::not_found);
}

TEST(Devicetree, refuses_what_is_no_tree) {
    Writer writer;
    auto const blob = machine(writer);
    EXPECT_EQ(Tree::open(blob.first(20)).error(), Error::out_of_range);
    EXPECT_EQ(Tree::open(blob.first(200)).error(), Error::out_of_range);
    std::vector<std::byte> damaged(blob.begin(), blob.end());
    damaged[0] = std::byte{0};
    EXPECT_EQ(Tree::open(damaged).error(), Error::corrupt);
}

}  // namespace
}  // namespace astrata::devicetree
