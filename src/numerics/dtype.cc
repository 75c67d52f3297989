#include "numerics/dtype.h"

#include <array>

namespace snapgauge {
namespace {

enum class Family : uint8_t { kNone, kBool, kInt, kUint, kFloat, kSfixed, kUfixed, kOther };

struct Row {
  DType type;
  std::string_view vendor;
  std::string_view framework;
  int bits;
  Family family;
};

constexpr std::array<Row, kDTypeCount> kRows{{
    {DType::kUndefined, "UNDEFINED", "", 0, Family::kNone},
    {DType::kBool8, "BOOL_8", "bool", 8, Family::kBool},
    {DType::kInt4, "INT_4", "int4", 4, Family::kInt},
    {DType::kInt8, "INT_8", "int8", 8, Family::kInt},
    {DType::kInt16, "INT_16", "int16", 16, Family::kInt},
    {DType::kInt32, "INT_32", "int32", 32, Family::kInt},
    {DType::kInt64, "INT_64", "int64", 64, Family::kInt},
    {DType::kUint4, "UINT_4", "uint4", 4, Family::kUint},
    {DType::kUint8, "UINT_8", "uint8", 8, Family::kUint},
    {DType::kUint16, "UINT_16", "uint16", 16, Family::kUint},
    {DType::kUint32, "UINT_32", "uint32", 32, Family::kUint},
    {DType::kUint64, "UINT_64", "uint64", 64, Family::kUint},
    {DType::kFloat16, "FLOAT_16", "float16", 16, Family::kFloat},
    {DType::kFloat32, "FLOAT_32", "float32", 32, Family::kFloat},
    {DType::kFloat64, "FLOAT_64", "float64", 64, Family::kFloat},
    {DType::kBFloat16, "BFLOAT_16", "bfloat16", 16, Family::kFloat},
    {DType::kFloat8, "FLOAT_8", "float8", 8, Family::kFloat},
    {DType::kSfixed4, "SFIXED_POINT_4", "", 4, Family::kSfixed},
    {DType::kSfixed8, "SFIXED_POINT_8", "", 8, Family::kSfixed},
    {DType::kSfixed16, "SFIXED_POINT_16", "", 16, Family::kSfixed},
    {DType::kSfixed32, "SFIXED_POINT_32", "", 32, Family::kSfixed},
    {DType::kUfixed4, "UFIXED_POINT_4", "", 4, Family::kUfixed},
    {DType::kUfixed8, "UFIXED_POINT_8", "", 8, Family::kUfixed},
    {DType::kUfixed16, "UFIXED_POINT_16", "", 16, Family::kUfixed},
    {DType::kUfixed32, "UFIXED_POINT_32", "", 32, Family::kUfixed},
    {DType::kComplex, "COMPLEX", "complex", 64, Family::kOther},
    {DType::kString, "STRING", "string", 0, Family::kOther},
    {DType::kInt2, "INT_2", "int2", 2, Family::kInt},
    {DType::kUint2, "UINT_2", "uint2", 2, Family::kUint},
}};

const Row& row(DType type) { return kRows[static_cast<size_t>(type)]; }

}  // namespace

std::string_view dtype_name(DType type) { return row(type).vendor; }

std::optional<DType> dtype_from_name(std::string_view name) {
  constexpr std::string_view kPrefix = "QNN_DATATYPE_";
  if (name.substr(0, kPrefix.size()) == kPrefix) name.remove_prefix(kPrefix.size());
  for (const Row& r : kRows)
    if (r.vendor == name) return r.type;
  return std::nullopt;
}

std::optional<DType> dtype_from_framework(std::string_view name) {
  constexpr std::string_view kPrefix = "torch.";
  if (name.substr(0, kPrefix.size()) == kPrefix) name.remove_prefix(kPrefix.size());
  for (const Row& r : kRows)
    if (!r.framework.empty() && r.framework == name) return r.type;
  if (name.substr(0, 6) == "float8") return DType::kFloat8;
  if (name.substr(0, 7) == "complex") return DType::kComplex;
  return std::nullopt;
}

std::string_view framework_name(DType type) { return row(type).framework; }

std::string dtype_set_text(DTypeSet set) {
  std::string out;
  int left = __builtin_popcount(set);
  for (const Row& r : kRows) {
    if (!contains(set, r.type)) continue;
    out += r.vendor;
    if (--left > 0) out += left == 1 ? " or " : ", ";
  }
  return out;
}

int bit_width(DType type) { return row(type).bits; }

bool is_fixed_point(DType type) { return row(type).family == Family::kSfixed || row(type).family == Family::kUfixed; }

bool is_float(DType type) { return row(type).family == Family::kFloat; }

bool is_signed(DType type) {
  const Family family = row(type).family;
  return family == Family::kInt || family == Family::kSfixed || family == Family::kFloat;
}

bool is_plain_integer(DType type) {
  const Family family = row(type).family;
  return family == Family::kInt || family == Family::kUint || family == Family::kBool;
}

std::optional<IntegerRange> integer_range(DType type) {
  const Row& r = row(type);
  switch (r.family) {
    case Family::kInt:
    case Family::kSfixed:
      if (r.bits == 64) return IntegerRange{INT64_MIN, INT64_MAX};
      return IntegerRange{-(int64_t{1} << (r.bits - 1)), (int64_t{1} << (r.bits - 1)) - 1};
    case Family::kUint:
    case Family::kUfixed:
      if (r.bits == 64) return std::nullopt;
      return IntegerRange{0, (int64_t{1} << r.bits) - 1};
    default: return std::nullopt;
  }
}

}  // namespace snapgauge
