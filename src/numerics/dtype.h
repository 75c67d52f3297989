// Datatypes: the storage type of a tensor in a framework's file, and the datatype a backend sees.
// Names of backend types are the vendor's enumerators without their QNN_DATATYPE_ prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace snapgauge {

/// One enumeration for both sides: plain types occur in files, fixed-point types (a plain type read
/// with a scale and an offset) only on the backend's side.
enum class DType : uint8_t {
  // clang-format off: a family per line
  kUndefined,
  kBool8,
  kInt4,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint4,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat16,
  kFloat32,
  kFloat64,
  kBFloat16,
  kFloat8,
  kSfixed4,
  kSfixed8,
  kSfixed16,
  kSfixed32,
  kUfixed4,
  kUfixed8,
  kUfixed16,
  kUfixed32,
  kComplex,
  kString,
  kInt2,
  kUint2,
  // clang-format on
};
inline constexpr DType kLastDType = DType::kUint2;
inline constexpr int kDTypeCount = static_cast<int>(kLastDType) + 1;

/// A set of datatypes, one bit each.
using DTypeSet = uint32_t;
constexpr DTypeSet dtype_bit(DType type) { return DTypeSet{1} << static_cast<unsigned>(type); }
constexpr bool contains(DTypeSet set, DType type) { return (set & dtype_bit(type)) != 0; }

/// The vendor's name: "UFIXED_POINT_8", "FLOAT_32".
std::string_view dtype_name(DType type);
/// Inverse of dtype_name; also takes the full enumerator (QNN_DATATYPE_...).
std::optional<DType> dtype_from_name(std::string_view name);
/// "uint8", "float32", "bfloat16", ... as torch, numpy and ONNX spell storage types.
std::optional<DType> dtype_from_framework(std::string_view name);
/// Its inverse; empty for types that no framework stores.
std::string_view framework_name(DType type);
/// "UFIXED_POINT_8 or SFIXED_POINT_8".
std::string dtype_set_text(DTypeSet set);

int bit_width(DType type);
bool is_fixed_point(DType type);
bool is_float(DType type);
bool is_signed(DType type);
/// Integer, boolean: anything that is neither float nor fixed point.
bool is_plain_integer(DType type);

struct IntegerRange {
  int64_t min = 0;
  int64_t max = 0;
};
/// Limits of an integer or fixed-point type.
std::optional<IntegerRange> integer_range(DType type);

}  // namespace snapgauge
