#include "numerics/quant.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"

namespace snapgauge {
namespace {

constexpr std::array<std::string_view, 5> kSchemes{"", "per_tensor_affine", "per_tensor_symmetric",
                                                   "per_channel_affine", "per_channel_symmetric"};
constexpr std::array<std::string_view, 7> kEncodings{"UNDEFINED",          "SCALE_OFFSET",         "AXIS_SCALE_OFFSET",
                                                     "BW_SCALE_OFFSET",    "BW_AXIS_SCALE_OFFSET", "BLOCK",
                                                     "BLOCKWISE_EXPANSION"};

uint64_t steps(IntegerRange range) { return static_cast<uint64_t>(range.max) - static_cast<uint64_t>(range.min); }

}  // namespace

std::string_view scheme_name(Scheme scheme) { return kSchemes[static_cast<size_t>(scheme)]; }

std::optional<Scheme> scheme_from_name(std::string_view name) {
  constexpr std::string_view kPrefix = "torch.";
  if (name.substr(0, kPrefix.size()) == kPrefix) name.remove_prefix(kPrefix.size());
  for (size_t i = 1; i < kSchemes.size(); ++i)
    if (kSchemes[i] == name) return static_cast<Scheme>(i);
  return std::nullopt;
}

std::string_view encoding_name(Encoding encoding) { return kEncodings[static_cast<size_t>(encoding)]; }

std::optional<Encoding> encoding_from_name(std::string_view name) {
  constexpr std::string_view kPrefix = "QNN_QUANTIZATION_ENCODING_";
  if (name.substr(0, kPrefix.size()) == kPrefix) name.remove_prefix(kPrefix.size());
  for (size_t i = 0; i < kEncodings.size(); ++i)
    if (kEncodings[i] == name) return static_cast<Encoding>(i);
  return std::nullopt;
}

std::string encoding_set_text(EncodingSet set) {
  std::string out;
  for (size_t i = 0; i < kEncodings.size(); ++i) {
    if ((set >> i & 1U) == 0) continue;
    if (!out.empty()) out += ", ";
    out += kEncodings[i];
  }
  return out;
}

size_t hash_of(const Spec& spec, bool parameters) {
  Hash hash;
  hash.add(static_cast<int>(spec.storage)).add(static_cast<int>(spec.scheme)).add(spec.qmin.value_or(0));
  hash.add(spec.qmax.value_or(0)).add(spec.axis.value_or(0));
  if (!parameters) return hash.value();
  hash.add(spec.observer).add(spec.eps);
  for (const double scale : spec.scales) hash.add(scale);
  if (spec.scales.empty()) return hash.value();
  for (const int64_t zero_point : spec.zero_points) hash.add(zero_point);
  return hash.value();
}

std::optional<IntegerRange> effective_range(const Spec& spec) {
  std::optional<IntegerRange> range = integer_range(spec.storage);
  if (!range && !(spec.qmin && spec.qmax)) return std::nullopt;
  IntegerRange out = range.value_or(IntegerRange{});
  if (spec.qmin) out.min = *spec.qmin;
  if (spec.qmax) out.max = *spec.qmax;
  return out;
}

int effective_bits(const Spec& spec) {
  const auto range = effective_range(spec);
  if (!range || range->max < range->min) return bit_width(spec.storage);
  const uint64_t n = steps(*range);
  if (n <= 3) return 2;
  if (n <= 15) return 4;
  if (n <= 255) return 8;
  if (n <= 65535) return 16;
  return n <= UINT32_MAX ? 32 : 64;
}

DType backend_dtype(const Spec& spec) {
  const auto range = effective_range(spec);
  if (!range || range->max < range->min) return DType::kUndefined;
  const bool is_unsigned = range->min >= 0;
  const uint64_t n = steps(*range);
  if (n <= 255) return is_unsigned ? DType::kUfixed8 : DType::kSfixed8;
  if (n <= 65535) return is_unsigned ? DType::kUfixed16 : DType::kSfixed16;
  if (n <= UINT32_MAX) return is_unsigned ? DType::kUfixed32 : DType::kSfixed32;
  return DType::kUndefined;
}

Encoding encoding_of(const Spec& spec, bool expands_blocks) {
  if (!spec.block.empty()) return spec.two_level || expands_blocks ? Encoding::kBlockwiseExpansion : Encoding::kBlock;
  const bool narrow = effective_bits(spec) < 8;
  if (is_per_channel(spec.scheme)) return narrow ? Encoding::kBwAxisScaleOffset : Encoding::kAxisScaleOffset;
  if (spec.scheme == Scheme::kUnknown) return Encoding::kNone;
  return narrow ? Encoding::kBwScaleOffset : Encoding::kScaleOffset;
}

int64_t zero_point_of(const Spec& spec, size_t channel) {
  return spec.zero_points.empty() ? 0 : spec.zero_points[std::min(channel, spec.zero_points.size() - 1)];
}

std::optional<int64_t> symmetric_zero_point(const Spec& spec) {
  const auto range = effective_range(spec);
  if (!range) return std::nullopt;
  const int bits = bit_width(backend_dtype(spec));
  return range->min < 0 || bits == 0 || bits > 16 ? 0 : int64_t{1} << (bits - 1);
}

std::optional<bool> symmetric_parameters(const Spec& spec) {
  if (spec.scales.empty()) {
    if (spec.scheme == Scheme::kUnknown) return std::nullopt;
    return is_symmetric(spec.scheme);
  }
  const auto middle = symmetric_zero_point(spec);
  if (!middle) return std::nullopt;
  return std::all_of(spec.zero_points.begin(), spec.zero_points.end(), [&](int64_t z) { return z == *middle; }) &&
         !(spec.zero_points.empty() && *middle != 0);
}

std::optional<bool> equal_parameters(const Spec& a, const Spec& b, double tolerance) {
  if (a.scales.empty() || b.scales.empty()) return std::nullopt;
  if (a.scales.size() != b.scales.size()) return false;
  for (size_t i = 0; i < a.scales.size(); ++i) {
    const double larger = std::max(std::abs(a.scales[i]), std::abs(b.scales[i]));
    if (!(std::abs(a.scales[i] - b.scales[i]) <= tolerance * larger)) return false;
    if (zero_point_of(a, i) != zero_point_of(b, i)) return false;
  }
  return true;
}

std::string spec_text(const Spec& spec) {
  std::string out(dtype_name(backend_dtype(spec)));
  if (spec.qmin && spec.qmax) out += fmt::format(" [{}, {}]", *spec.qmin, *spec.qmax);
  if (spec.scheme != Scheme::kUnknown) {
    out += is_per_channel(spec.scheme) ? " per-channel" : " per-tensor";
    if (!spec.block.empty()) out += fmt::format(" in blocks of {}", fmt::join(spec.block, "x"));
    out += is_symmetric(spec.scheme) ? " symmetric" : " affine";
  }
  if (is_per_channel(spec.scheme) && spec.axis) out += fmt::format(" on axis {}", *spec.axis);
  if (spec.scales.size() == 1)
    out += fmt::format(", scale {}, zero point {}", spec.scales[0], zero_point_of(spec, 0));
  else if (spec.scales.size() > 1)
    out += fmt::format(", {} scales", spec.scales.size());
  return out;
}

}  // namespace snapgauge
