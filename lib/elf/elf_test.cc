#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "lib/elf/dynamic.h"
#include "lib/elf/image.h"

namespace astrata::elf {
namespace {

constexpr std::uint64_t limit = 1ull << 47;

/// A small position-independent program: text at 0x1000, data at 0x3000 with 0x800 bytes of zeroes behind.
struct Program {
    FileHeader header{};
    std::vector<ProgramHeader> headers;
    std::vector<std::byte> bytes;

    Program() {
        header.identification = {0x7f, 'E', 'L', 'F', 2, 1, 1};
        header.type = std::uint16_t{3};
        header.machine = std::uint16_t{62};
        header.version = 1u;
        header.entry = std::uint64_t{0x1010};
        header.program_header_offset = std::uint64_t{64};
        header.program_header_size = std::uint16_t{56};
        add(1, 5, 0x1000, 0x1000, 0x100, 0x100);
        add(1, 6, 0x2000, 0x3000, 0x100, 0x900);
        bytes.resize(0x3000);
    }
    void add(std::uint32_t type, std::uint32_t flags, std::uint64_t offset, std::uint64_t address,
             std::uint64_t file_size, std::uint64_t memory_size) {
        headers.push_back({.type = type,
                           .flags = flags,
                           .offset = offset,
                           .address = address,
                           .physical_address = address,
                           .file_size = file_size,
                           .memory_size = memory_size,
                           .alignment = std::uint64_t{0x1000}});
        header.program_header_count = static_cast<std::uint16_t>(headers.size());
    }
    template <typename T>
    void put(std::size_t offset, T const& value) {
        ASSERT_TRUE(store(MutableBytes(bytes), offset, value));
    }
    Bytes file() {
        put(0, header);
        for (std::size_t i = 0; i != headers.size(); ++i)
            put(64 + i * 56, headers[i]);
        return bytes;
    }
    Result<Image> planned() { return plan(file(), Machine::x86_64, limit); }
};

TEST(Elf, plans_a_program) {
    Program program;
    program.add(0x6474e551, 6, 0, 0, 0, 0);
    program.add(7, 4, 0x2000, 0x3000, 8, 16);
    auto const image = program.planned();
    ASSERT_TRUE(image);
    EXPECT_TRUE(image->is_position_independent);
    EXPECT_EQ(image->entry, 0x1010u);
    EXPECT_EQ(image->begin(), 0x1000u);
    EXPECT_EQ(image->end(), 0x4000u);
    EXPECT_TRUE(image->segments[0].is_executable);
    EXPECT_FALSE(image->segments[0].is_writable);
    EXPECT_FALSE(image->wants_executable_stack);
    EXPECT_EQ(image->tls->memory_size, 16u);
    EXPECT_EQ(image->file_offset(0x3010, 0x10), 0x2010u);
    EXPECT_FALSE(image->file_offset(0x3010, 0x100));
}

TEST(Elf, refuses_malformed_headers) {
    auto const refused = [](auto change) {
        Program program;
        change(program);
        return program.planned().error_or(Error::io) == Error::bad_executable;
    };
    EXPECT_TRUE(refused([](Program& p) { p.header.identification[0] = 0; }));
    EXPECT_TRUE(refused([](Program& p) { p.header.identification[4] = 1; }));
    EXPECT_TRUE(refused([](Program& p) { p.header.machine = std::uint16_t{183}; }));
    EXPECT_TRUE(refused([](Program& p) { p.header.type = std::uint16_t{1}; }));
    EXPECT_TRUE(refused([](Program& p) { p.header.program_header_offset = ~std::uint64_t{0}; }));
    EXPECT_TRUE(refused([](Program& p) { p.header.program_header_size = std::uint16_t{32}; }));
    EXPECT_TRUE(refused([](Program& p) { p.header.entry = std::uint64_t{0x3000}; }));
    EXPECT_TRUE(refused([](Program& p) { p.headers.clear(), p.header.program_header_count = std::uint16_t{0}; }));
}

TEST(Elf, refuses_malformed_segments) {
    auto const refused = [](auto change) {
        Program program;
        change(program.headers[1]);
        return program.planned().error_or(Error::io) == Error::bad_executable;
    };
    EXPECT_TRUE(refused([](ProgramHeader& h) { h.file_size = std::uint64_t{0x901}; }));  // more than memory
    EXPECT_TRUE(refused([](ProgramHeader& h) { h.offset = std::uint64_t{0x2f80}; }));    // not congruent
    EXPECT_TRUE(refused([](ProgramHeader& h) { h.offset = std::uint64_t{0x3000}; }));    // beyond the file
    EXPECT_TRUE(refused([](ProgramHeader& h) { h.address = std::uint64_t{0x1000}; }));   // overlaps the first
    EXPECT_TRUE(refused([](ProgramHeader& h) { h.address = ~std::uint64_t{0xfff}; }));   // wraps around
    EXPECT_TRUE(refused([](ProgramHeader& h) { h.memory_size = ~std::uint64_t{0}; }));
    EXPECT_TRUE(refused([](ProgramHeader& h) { h.alignment = std::uint64_t{0x1001}; }));
}

TEST(Elf, reports_segments_that_share_a_page) {
    Program program;
    program.headers[1].address = std::uint64_t{0x1800};
    program.headers[1].offset = std::uint64_t{0x2800};
    EXPECT_TRUE(program.planned()->has_shared_pages);
}

TEST(Elf, refuses_too_short_files) {
    Program program;
    auto const file = program.file();
    for (std::size_t size = 0; size < 0x2100; size += 37)
        EXPECT_FALSE(plan(file.first(size), Machine::x86_64, limit)) << size;
}

/// A program with a dynamic section: one relocation and one symbol, "f".
struct DynamicProgram : Program {
    DynamicProgram() {
        add(2, 6, 0x2000, 0x3000, 0x90, 0x90);
        std::uint64_t const entries[][2] = {{7, 0x1020}, {8, 24}, {9, 24},     {4, 0x1040},
                                            {5, 0x1060}, {10, 4}, {6, 0x1070}, {11, 24}};
        std::size_t at = 0x2000;
        for (auto const& entry : entries) {
            put(at, entry);
            at += 16;
        }
        put(0x1020,
            Relocation{.offset = std::uint64_t{0x3098}, .info = std::uint64_t{8}, .addend = std::uint64_t{0x1010}});
        std::uint32_t const hash[] = {1, 2, 1, 0, 0};  // one bucket, two symbols
        put(0x1040, hash);
        put(0x1061, 'f');
        put(0x1070 + 24, Symbol{.name = 1u,
                                .info = 0x12,
                                .other = 0,
                                .section = std::uint16_t{1},
                                .value = std::uint64_t{0x1010},
                                .size = {}});
    }
};

TEST(Elf, finds_symbols_and_relocations) {
    DynamicProgram program;
    auto const file = program.file();
    auto const image = plan(file, Machine::x86_64, limit);
    ASSERT_TRUE(image);
    auto const dynamic = Dynamic::parse(file, *image);
    ASSERT_TRUE(dynamic);
    EXPECT_EQ(dynamic->find("f"), 0x1010u);
    EXPECT_EQ(dynamic->find("g").error(), Error::not_found);
    EXPECT_EQ(dynamic->find("").error(), Error::not_found);
    unsigned applied = 0;
    EXPECT_TRUE(dynamic->for_each_relative(*image, [&](std::uint64_t offset, std::uint64_t addend) -> Result<> {
        EXPECT_EQ(offset, 0x3098u);
        EXPECT_EQ(addend, 0x1010u);
        ++applied;
        return {};
    }));
    EXPECT_EQ(applied, 1u);
}

TEST(Elf, refuses_relocations_outside_writable_memory) {
    DynamicProgram program;
    for (std::uint64_t const target : {std::uint64_t{0x1010}, std::uint64_t{0x38f9}, ~std::uint64_t{0}}) {
        program.put(0x1020, target);
        auto const file = program.file();
        auto const image = plan(file, Machine::x86_64, limit);
        auto const result =
            Dynamic::parse(file, *image)->for_each_relative(*image, [](auto, auto) -> Result<> { return {}; });
        EXPECT_EQ(result.error(), Error::bad_executable) << target;
    }
}

TEST(Elf, survives_cyclic_hash_chains) {
    DynamicProgram program;
    std::uint32_t const hash[] = {1, 2, 1, 0, 1};  // symbol 1 is followed by itself
    program.put(0x1040, hash);
    auto const file = program.file();
    EXPECT_EQ(Dynamic::parse(file, *plan(file, Machine::x86_64, limit))->find("g").error(), Error::not_found);
}

}  // namespace
}  // namespace astrata::elf
