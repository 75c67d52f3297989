// Quantization parameters: what a spec says about one tensor, and how a backend would see it.
//
// Convention (ONNX, torch): real = (q - zero_point) * scale. The vendor writes offset = -zero_point;
// conversion happens only where text is shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "numerics/dtype.h"

namespace snapgauge {

enum class Scheme : uint8_t {
  kUnknown,
  kPerTensorAffine,
  kPerTensorSymmetric,
  kPerChannelAffine,
  kPerChannelSymmetric,
};
std::string_view scheme_name(Scheme scheme);
std::optional<Scheme> scheme_from_name(std::string_view name);
constexpr bool is_per_channel(Scheme s) { return s == Scheme::kPerChannelAffine || s == Scheme::kPerChannelSymmetric; }
constexpr bool is_symmetric(Scheme s) { return s == Scheme::kPerTensorSymmetric || s == Scheme::kPerChannelSymmetric; }

/// The vendor's quantization encodings; names as printed, without QNN_QUANTIZATION_ENCODING_.
enum class Encoding : uint8_t {
  kNone,
  kScaleOffset,
  kAxisScaleOffset,
  kBwScaleOffset,
  kBwAxisScaleOffset,
  kBlock,
  kBlockwiseExpansion,
};
std::string_view encoding_name(Encoding encoding);
/// Also takes the full enumerator (QNN_QUANTIZATION_ENCODING_...).
std::optional<Encoding> encoding_from_name(std::string_view name);
using EncodingSet = uint8_t;
constexpr EncodingSet encoding_bit(Encoding e) { return static_cast<EncodingSet>(1U << static_cast<unsigned>(e)); }
std::string encoding_set_text(EncodingSet set);

/// What one quantization spec states. Everything optional is "not said".
struct Spec {
  DType storage = DType::kUndefined;  // type in the file: int32 with [0, 65535] is a 16-bit tensor
  std::optional<int64_t> qmin, qmax;
  Scheme scheme = Scheme::kUnknown;
  std::optional<int64_t> axis;       // per-channel or block axis in the file's own layout; negative counts from the end
  std::vector<int64_t> block;        // block size per dimension (torch) or along `axis` (one entry); empty: no blocks
  bool two_level = false;            // block scales are integers times a per-channel scale (LPBQ)
  bool dynamic = false;              // computed at run time
  bool fixed = false;                // parameters are prescribed, not observed
  bool computed_scale = false;       // the file computes the scale in the graph instead of storing it
  bool double_quantized = false;     // reached through a second Q/DQ pair
  std::vector<double> scales;        // empty: not calibrated yet; one per tensor, per channel or per block
  std::vector<int64_t> zero_points;  // empty means all zero once scales are given
  std::string observer;              // class name, for messages
  double eps = 0;                    // least scale that its observer gives; 0: not said

  bool operator==(const Spec&) const = default;
};

/// Of what tells specs of one file apart; equal specs have equal hashes. Without `parameters` scales, zero points
/// and the observer do not count.
size_t hash_of(const Spec& spec, bool parameters = true);

/// Integer bounds of the stored values: the stated range, else the storage type's limits.
std::optional<IntegerRange> effective_range(const Spec& spec);

/// Bits that the range needs: 2, 4, 8, 16 or 32. [-7, 7] has 4 and [-2, 1] has 2, whatever type
/// stores them.
int effective_bits(const Spec& spec);

/// The backend's datatype. The range decides: 255 steps or fewer fit 8 bits, 65535 or fewer 16 bits,
/// unsigned exactly when the lower bound is not negative. Types below 8 bits are stored in 8.
DType backend_dtype(const Spec& spec);

/// How the backend would lay out scale and offset. Blocks without a second level are BLOCKWISE_EXPANSION
/// too when the lowering expands them (`expands_blocks`), else BLOCK.
Encoding encoding_of(const Spec& spec, bool expands_blocks);

/// Zero point of a channel or block: one that is stated for all, or none, counts for each.
int64_t zero_point_of(const Spec& spec, size_t channel);

/// Where symmetric quantization has its zero: 0 for signed types and those of 32 bits, else the middle
/// of the datatype. Nothing when the range is not known.
std::optional<int64_t> symmetric_zero_point(const Spec& spec);

/// True or false when the parameters or the scheme decide it: zero points all at the middle of the
/// range (0 for signed, 2^(bits-1) for unsigned types), or a symmetric scheme before calibration.
std::optional<bool> symmetric_parameters(const Spec& spec);

/// Equal scale and zero point to `tolerance` (relative); nothing when one side is not calibrated.
std::optional<bool> equal_parameters(const Spec& a, const Spec& b, double tolerance);

/// "uint8 [0, 255] per-tensor affine, scale 0.5, zero point 3".
std::string spec_text(const Spec& spec);

}  // namespace snapgauge
