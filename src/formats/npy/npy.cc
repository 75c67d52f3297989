// The header is a Python dictionary of three entries; nothing else of the language is read.
#include "formats/npy/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <array>

#include "base/text.h"

namespace snapgauge {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMostHeader = kMostNpyHeader - 12;  // behind magic, version and length
constexpr size_t kMostDims = 32;

struct TypeRow {
  std::string_view code;  // little endian
  std::string_view name;  // NumPy's
  DType dtype;
};
constexpr std::array<TypeRow, 12> kTypes{{
    {"|b1", "bool", DType::kBool8},
    {"|i1", "int8", DType::kInt8},
    {"|u1", "uint8", DType::kUint8},
    {"<i2", "int16", DType::kInt16},
    {"<u2", "uint16", DType::kUint16},
    {"<i4", "int32", DType::kInt32},
    {"<u4", "uint32", DType::kUint32},
    {"<i8", "int64", DType::kInt64},
    {"<u8", "uint64", DType::kUint64},
    {"<f2", "float16", DType::kFloat16},
    {"<f4", "float32", DType::kFloat32},
    {"<f8", "float64", DType::kFloat64},
}};

const TypeRow* row_of_type(DType dtype) {
  for (const TypeRow& row : kTypes)
    if (row.dtype == dtype) return &row;
  return nullptr;
}

/// Bytes in front of the header's text and of it; nothing when they are not there.
std::optional<std::string_view> header_of(std::string_view bytes) {
  if (bytes.size() < 10 || !bytes.starts_with(kMagic)) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  const size_t version = byte(6);
  if (version < 1 || version > 3) return std::nullopt;
  const size_t first = version == 1 ? 10 : 12;
  if (bytes.size() < first) return std::nullopt;
  size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > kMostHeader || length > bytes.size() - first) return std::nullopt;
  return bytes.substr(first, length);
}

/// Nothing when it is no tuple of sizes.
std::optional<std::vector<int64_t>> dims_of(std::string_view tuple) {
  static const RE2 one(R"(\s*(\d{1,18})\s*(,|$))");
  std::vector<int64_t> out;
  re2::StringPiece rest(tuple.data(), tuple.size());
  int64_t size = 0;
  while (out.size() < kMostDims && RE2::Consume(&rest, one, &size, static_cast<void*>(nullptr))) out.push_back(size);
  static const RE2 blank(R"(\s*)");
  return RE2::FullMatch(rest, blank) ? std::optional(out) : std::nullopt;
}

}  // namespace

Result<NpyHeader> read_npy_header(std::string_view bytes, const std::string& file) {
  const auto fail = [&](std::string why) { return Error{ErrorCode::kParse, file, std::move(why)}; };
  const auto header = header_of(bytes);
  if (!header) return fail("not a NumPy array (.npy)");
  static const RE2 type(R"('descr':\s*'([^']{1,16})')"), order(R"('fortran_order':\s*(True|False))"),
      shape(R"('shape':\s*\(([^()]*)\))");
  const re2::StringPiece text(header->data(), header->size());
  std::string code, fortran, tuple;
  if (!RE2::PartialMatch(text, type, &code) || !RE2::PartialMatch(text, order, &fortran) ||
      !RE2::PartialMatch(text, shape, &tuple))
    return fail("a NumPy header without descr, fortran_order and shape");
  NpyHeader out;
  for (const TypeRow& row : kTypes)
    if (row.code == code || (row.code[0] == '|' && code.size() == 3 && row.code.substr(1) == code.substr(1)))
      out.dtype = row.dtype;
  if (out.dtype == DType::kUndefined)
    return fail(fmt::format("elements of type '{}', which is not read (little endian booleans, integers, floats are)",
                            printable(code)));
  const auto dims = dims_of(tuple);
  if (!dims) return fail("a NumPy header whose shape is no tuple of sizes");
  out.dims = *dims;
  if (fortran == "True" && out.dims.size() > 1) return fail("in Fortran's order; save it with numpy.ascontiguousarray");
  out.data_offset = static_cast<size_t>(header->data() - bytes.data()) + header->size();
  out.data_size = static_cast<uint64_t>(bit_width(out.dtype)) / 8;
  for (const int64_t d : out.dims)
    if (__builtin_mul_overflow(out.data_size, static_cast<uint64_t>(d), &out.data_size))
      return fail("larger than memory");
  return out;
}

Result<NpyTensor> read_npy(std::string_view bytes, const std::string& file) {
  auto header = read_npy_header(bytes, file);
  if (!header) return header.error();
  const std::string_view data = bytes.substr(header->data_offset);
  if (data.size() != header->data_size)
    return Error{ErrorCode::kParse, file,
                 fmt::format("{} bytes of elements where its type and shape need {}", data.size(), header->data_size)};
  return NpyTensor{header->dtype, std::move(header->dims), std::as_bytes(std::span(data))};
}

std::string npy_text(DType dtype, std::span<const int64_t> dims, std::span<const std::byte> data) {
  const TypeRow* row = row_of_type(dtype);
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", row == nullptr ? "|u1" : row->code,
                  fmt::join(dims, ", "), dims.size() == 1 ? "," : "");
  constexpr size_t kPrefix = 10, kAlignment = 64;
  while ((kPrefix + header.size() + 1) % kAlignment != 0) header += ' ';
  header += '\n';
  std::string out(kMagic);
  out += '\x01';
  out += '\x00';
  out += static_cast<char>(header.size() & 255U);
  out += static_cast<char>(header.size() >> 8U);
  out += header;
  return out.append(reinterpret_cast<const char*>(data.data()), data.size());
}

std::string tensor_text(DType dtype, std::span<const int64_t> dims) {
  const TypeRow* row = row_of_type(dtype);
  return fmt::format("{} [{}]", row == nullptr ? dtype_name(dtype) : row->name, fmt::join(dims, ", "));
}

}  // namespace snapgauge
