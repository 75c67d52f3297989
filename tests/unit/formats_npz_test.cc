// Archives of NumPy arrays: what is read, and one clear error for everything else.
//
// tests/data/npz: stored.npz and deflated.npz are numpy.savez's and savez_compressed's; the others were written with
// Python's zipfile, zip64.npz with zipfile.ZIP64_LIMIT = 0, and bytes that it does not write are changed here.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "formats/npz/npz.h"

namespace snapgauge {
namespace {

std::string path_of(const std::string& name) { return std::string(SNAPGAUGE_SOURCE_DIR) + "/tests/data/npz/" + name; }

std::string bytes_of(const std::string& name) {
  std::ifstream file(path_of(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// All members one after the other: the first error's message, or nothing.
std::string read_all(const Result<NpzFile>& file) {
  if (!file) return file.error().message();
  for (size_t i = 0; i < file.value().names().size(); ++i)
    if (const auto tensor = file.value().read(i); !tensor) return tensor.error().message();
  return "";
}
std::string read_all(const std::string& bytes) { return read_all(NpzFile::of_bytes(bytes, "x.npz")); }

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

/// Stored members: 16 bits of both headers of the first one. In front of them stand a signature, and in the directory
/// two bytes more.
std::string with_field(std::string bytes, size_t offset, char low, char high) {
  const size_t directory = bytes.find("PK\x01\x02");
  for (const size_t at : {offset, directory + offset + 2}) bytes[at] = low, bytes[at + 1] = high;
  return bytes;
}

template <class T>
std::vector<T> elements(const NpyTensor& tensor) {
  std::vector<T> out(tensor.data.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), tensor.data.data(), tensor.data.size());
  return out;
}

class Npz : public testing::TestWithParam<const char*> {};

TEST_P(Npz, WhatNumpyWrites) {
  const auto file = NpzFile::open(path_of(GetParam()));
  ASSERT_TRUE(file) << file.error().message();
  const std::vector<std::string> names{"x", "/conv/Relu_output_0", "größe", "empty"};
  ASSERT_GE(file.value().names().size(), names.size());
  EXPECT_TRUE(std::equal(names.begin(), names.end(), file.value().names().begin()));
  const auto x = file.value().read(0), relu = file.value().read(1), scalar = file.value().read(2),
             empty = file.value().read(3);
  ASSERT_TRUE(x && relu && scalar && empty);
  EXPECT_EQ(x.value().tensor.dtype, DType::kFloat32);
  EXPECT_EQ(x.value().tensor.dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(elements<float>(x.value().tensor), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(elements<int64_t>(relu.value().tensor), (std::vector<int64_t>{-1, 2, 300}));
  EXPECT_EQ(elements<uint8_t>(scalar.value().tensor), std::vector<uint8_t>{7});
  EXPECT_TRUE(scalar.value().tensor.dims.empty());
  EXPECT_EQ(empty.value().tensor.dims, (std::vector<int64_t>{0, 4}));
  EXPECT_TRUE(empty.value().tensor.data.empty());
}
INSTANTIATE_TEST_SUITE_P(Files, Npz, testing::Values("stored.npz", "deflated.npz"));

TEST(NpzFile, LargerThanItsFirstPiece) {
  const auto file = NpzFile::open(path_of("deflated.npz"));
  ASSERT_TRUE(file);
  ASSERT_EQ(file.value().names().back(), "big");
  const auto big = file.value().read(4);
  ASSERT_TRUE(big) << big.error().message();
  EXPECT_EQ(file.value().size(4), 80128U);
  EXPECT_EQ(big.value().tensor.data.size(), 80000U);
  EXPECT_EQ(elements<float>(big.value().tensor), std::vector<float>(20000));
}

TEST(NpzFile, SizesOf64Bits) {
  const auto file = NpzFile::open(path_of("zip64.npz"));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file.value().names(), (std::vector<std::string>{"x", "y"}));
  const auto y = file.value().read(1);
  ASSERT_TRUE(y) << y.error().message();
  EXPECT_EQ(elements<int8_t>(y.value().tensor), (std::vector<int8_t>{0, 1, 2, 3}));
}

TEST(NpzFile, AnArchiveWithoutMembersAndMembersThatAreNotThere) {
  const auto file = NpzFile::open(path_of("none.npz"));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_TRUE(file.value().names().empty());
  const auto read = file.value().read(0);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kUsage);
  EXPECT_FALSE(NpzFile::open(path_of("missing.npz")));
}

TEST(NpzFile, ATensorOutlivesItsFile) {
  auto file = std::make_unique<NpzFile>(NpzFile::open(path_of("stored.npz")).value());
  const auto x = file->read(0);
  file.reset();
  ASSERT_TRUE(x);
  EXPECT_EQ(elements<float>(x.value().tensor).back(), 5);
}

struct Bad {
  const char* name;
  std::string bytes;
  const char* message;
};
class BadNpz : public testing::TestWithParam<Bad> {};

TEST_P(BadNpz, IsOneClearError) { EXPECT_EQ(read_all(GetParam().bytes), GetParam().message); }

INSTANTIATE_TEST_SUITE_P(
    Files, BadNpz,
    testing::Values(
        Bad{"Empty", "", "x.npz: not a zip archive, or cut off: no directory at its end"},
        Bad{"NoZip", "\x93NUMPY", "x.npz: not a zip archive, or cut off: no directory at its end"},
        Bad{"Duplicate", bytes_of("duplicate.npz"), "x.npz: member 'x.npy': two members have this name"},
        Bad{"Method", bytes_of("bzip2.npz"),
            "x.npz: member 'x.npy': compressed with method 12, which is not read (stored and deflated members are)"},
        Bad{"Inflates", bytes_of("inflates.npz"),
            "x.npz: member 'x.npy': 200008 bytes of elements where its type and shape need 8"},
        Bad{"Short", bytes_of("short.npz"),
            "x.npz: member 'x.npy': 7 bytes of elements where its type and shape need 8"},
        Bad{"Huge", bytes_of("huge.npz"),
            "x.npz: member 'x.npy': 64 bytes of elements where its type and shape need 4294967296"},
        Bad{"LeadsOut", bytes_of("leads_out.npz"), "x.npz: member '../x.npy': its name leads out of the archive (..)"},
        Bad{"Text", bytes_of("text.npz"), "x.npz: member 'x.txt': not a NumPy array (its name does not end in .npy)"},
        Bad{"NoArray", bytes_of("no_array.npz"), "x.npz: member 'x.npy': not a NumPy array (.npy)"},
        Bad{"ZeroInName", replaced(bytes_of("stored.npz"), "empty.npy", std::string_view("e\0pty.npy", 9)),
            "x.npz: member 'e\\x00pty.npy': its name has a zero byte"},
        Bad{"NameInLatin1", replaced(bytes_of("stored.npz"), "empty.npy", "empt\xff.npy"),
            "x.npz: member 'empt\\xff.npy': its name is not UTF-8"},
        Bad{"Encrypted", with_field(bytes_of("short.npz"), 6, 1, 0), "x.npz: member 'x.npy': encrypted"},
        Bad{"StronglyEncrypted", with_field(bytes_of("short.npz"), 6, 0x41, 0), "x.npz: member 'x.npy': encrypted"},
        Bad{"UnknownMethod", with_field(bytes_of("short.npz"), 8, 99, 0),
            "x.npz: member 'x.npy': compressed with method 99, which is not read (stored and deflated members are)"},
        // A stored member that is said to be deflated, and the other way round.
        Bad{"NotDeflated", with_field(bytes_of("no_array.npz"), 8, 8, 0),
            "x.npz: member 'x.npy': damaged: it cannot be inflated"},
        Bad{"NotStored", with_field(bytes_of("inflates.npz"), 8, 0, 0),
            "x.npz: member 'x.npy': 289 bytes of the archive cannot hold 200136"},
        Bad{"Checksum", with_field(with_field(bytes_of("zip64.npz"), 14, 1, 2), 16, 3, 4),
            "x.npz: member 'x.npy': damaged: its checksum (CRC-32) is another one"},
        Bad{"HeadersDiffer", replaced(bytes_of("short.npz"), "PK\x03\x04", "PK\x03\x05"),
            "x.npz: member 'x.npy': not where the archive's directory says, or cut off"}),
    [](const auto& bad) { return std::string(bad.param.name); });

/// What the directory says, without a directory of its size: 32 bits of the first entry.
TEST(NpzFile, SizesThatCannotBe) {
  std::string bytes = bytes_of("inflates.npz");
  const size_t size = bytes.find("PK\x01\x02") + 24;
  bytes.replace(size, 4, std::string("\x00\x00\x00\x7f", 4));
  EXPECT_EQ(read_all(bytes), "x.npz: member 'x.npy': 289 bytes of the archive cannot hold 2130706432");
  bytes.replace(size, 4, std::string("\x88\x00\x00\x00", 4));  // that of the array alone
  EXPECT_EQ(read_all(bytes), "x.npz: member 'x.npy': longer than it says");
  bytes = bytes_of("short_deflated.npz");
  ++bytes[bytes.find("PK\x01\x02") + 24];
  EXPECT_EQ(read_all(bytes), "x.npz: member 'x.npy': shorter than it says");
}

/// 64 bits at `at`.
void put(std::string& bytes, size_t at, uint64_t value) {
  for (size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 255U);
}

/// zip64.npz whose first member is said to be of another size, with zeros in front of the directory that could hold it.
std::string of_size(uint64_t size, uint64_t packed, size_t zeros) {
  std::string bytes = bytes_of("zip64.npz");
  const size_t directory = bytes.find("PK\x01\x02");
  bytes.insert(directory, zeros, '\0');
  const size_t extra = directory + zeros + 46 + 5, end = bytes.find("PK\x06\x06");
  put(bytes, extra + 4, size);
  put(bytes, extra + 12, packed);
  put(bytes, end + 48, directory + zeros);
  put(bytes, end + 56 + 8, end);
  return bytes;
}

TEST(NpzFile, TheLargestMember) {
  EXPECT_EQ(read_all(of_size(152, 85, 100)), "");
  const uint64_t gib = uint64_t{1} << 30;
  EXPECT_EQ(read_all(of_size(4 * gib, 85, 0)), "x.npz: member 'x.npy': 85 bytes of the archive cannot hold 4294967296");
  EXPECT_EQ(read_all(of_size(4 * gib + 1, 5 << 20, 6 << 20)),
            "x.npz: member 'x.npy': 4294967297 bytes; the most is 4294967296");
}

/// Many members that are the same bytes would be much from little.
TEST(NpzFile, MembersOverEachOther) {
  std::string bytes = bytes_of("duplicate.npz");
  bytes = replaced(bytes, "x.npy", "y.npy").replace(bytes.find("x.npy"), 5, "x.npy");
  const size_t first = bytes.find("PK\x01\x02"), second = bytes.find("PK\x01\x02", first + 4);
  bytes.replace(first + 46, 5, "x.npy");
  EXPECT_EQ(read_all(bytes), "");
  std::string over = bytes.substr(0, bytes.find("PK\x03\x04", 4));
  const size_t directory = over.size();
  over += bytes.substr(first);
  over.replace(second - first + directory + 42, 4, std::string(4, '\0'));
  over.replace(over.size() - 6, 4, std::string{static_cast<char>(directory), '\0', '\0', '\0'});
  EXPECT_EQ(read_all(over), "x.npz: the members of the zip archive lie over each other");
}

TEST(NpzFile, CutOffAnywhere) {
  for (const char* name : {"stored.npz", "deflated.npz", "zip64.npz"}) {
    const std::string whole = bytes_of(name);
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_NE(read_all(whole.substr(0, size)), "") << name << " of " << size << " bytes";
  }
}

TEST(NpzFile, AnyByteMayBeAnother) {
  for (const char* name : {"stored.npz", "deflated.npz", "zip64.npz"}) {
    const std::string whole = bytes_of(name);
    for (size_t at = 0; at < whole.size(); ++at)
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ flip);
        const std::string message = read_all(bytes);
        EXPECT_TRUE(message.empty() || message.starts_with("x.npz: ")) << message;
      }
  }
}

}  // namespace
}  // namespace snapgauge
