// Ranges decide datatypes; parameters are compared as a backend would see them.
#include <gtest/gtest.h>

#include <limits>

#include "numerics/dtype.h"
#include "numerics/quant.h"

namespace snapgauge {
namespace {

Spec ranged(DType storage, std::optional<int64_t> min, std::optional<int64_t> max) {
  Spec spec;
  spec.storage = storage;
  spec.qmin = min;
  spec.qmax = max;
  spec.scheme = Scheme::kPerTensorAffine;
  return spec;
}

TEST(Quant, TheRangeDecidesTheBackendsDatatype) {
  struct Case {
    DType storage;
    std::optional<int64_t> min, max;
    DType dtype;
    int bits;
  };
  for (const Case& c :
       {Case{DType::kInt32, 0, 65535, DType::kUfixed16, 16}, Case{DType::kInt32, -32768, 32767, DType::kSfixed16, 16},
        Case{DType::kInt8, -7, 7, DType::kSfixed8, 4}, Case{DType::kInt8, -2, 1, DType::kSfixed8, 2},
        Case{DType::kUint8, {}, {}, DType::kUfixed8, 8}, Case{DType::kInt32, {}, {}, DType::kSfixed32, 32}}) {
    const Spec spec = ranged(c.storage, c.min, c.max);
    EXPECT_EQ(backend_dtype(spec), c.dtype) << spec_text(spec);
    EXPECT_EQ(effective_bits(spec), c.bits) << spec_text(spec);
  }
}

TEST(Quant, OneZeroPointForAllIsAsManyEqualOnes) {
  Spec one = ranged(DType::kUint8, {}, {});
  one.scales = {0.5, 0.25};
  one.zero_points = {128};
  Spec many = one;
  many.zero_points = {128, 128};
  EXPECT_EQ(equal_parameters(one, many, 1e-6), true);
  many.zero_points = {128, 127};
  EXPECT_EQ(equal_parameters(one, many, 1e-6), false);
  many.scales.clear();
  EXPECT_EQ(equal_parameters(one, many, 1e-6), std::nullopt) << "not calibrated yet";
}

TEST(Quant, SymmetryFollowsFromParametersOrElseFromTheScheme) {
  Spec spec = ranged(DType::kInt8, -128, 127);
  EXPECT_EQ(symmetric_parameters(spec), false) << "an affine scheme may come out anywhere";
  spec.scheme = Scheme::kPerTensorSymmetric;
  EXPECT_EQ(symmetric_parameters(spec), true);
  spec.scales = {0.1};
  spec.zero_points = {3};
  EXPECT_EQ(symmetric_parameters(spec), false);
  Spec middle = ranged(DType::kUint8, 0, 255);
  middle.scales = {0.1};
  middle.zero_points = {128};
  EXPECT_EQ(symmetric_parameters(middle), true);
  EXPECT_EQ(symmetric_zero_point(middle), 128);
}

TEST(Quant, EqualSpecsHashAlikeAndParametersCanBeLeftOut) {
  Spec a = ranged(DType::kUint8, 0, 255);
  a.scales = {0.5};
  a.zero_points = {3};
  Spec b = a;
  EXPECT_EQ(hash_of(a), hash_of(b));
  b.scales = {0.25};
  EXPECT_NE(hash_of(a), hash_of(b));
  EXPECT_EQ(hash_of(a, false), hash_of(b, false));
  Spec negative = a, positive = a;
  negative.scales = {-0.0};
  positive.scales = {0.0};
  EXPECT_EQ(negative, positive);
  EXPECT_EQ(hash_of(negative), hash_of(positive));
}

TEST(Quant, BlocksHaveTheirOwnEncodings) {
  Spec spec = ranged(DType::kInt8, -8, 7);
  spec.scales = {0.5};
  EXPECT_EQ(encoding_of(spec, false), Encoding::kBwScaleOffset);
  spec.block = {32};
  spec.axis = 0;
  EXPECT_EQ(encoding_of(spec, false), Encoding::kBlock);
  EXPECT_EQ(encoding_of(spec, true), Encoding::kBlockwiseExpansion);
  spec.two_level = true;
  EXPECT_EQ(encoding_of(spec, false), Encoding::kBlockwiseExpansion);
}

TEST(DTypes, EveryNameLeadsBack) {
  for (int i = 1; i < kDTypeCount; ++i) {
    const auto type = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(dtype_name(type)), type) << dtype_name(type);
    EXPECT_EQ(dtype_from_name("QNN_DATATYPE_" + std::string(dtype_name(type))), type);
    EXPECT_GE(bit_width(type), 0);
    EXPECT_LE(int{is_fixed_point(type)} + int{is_float(type)} + int{is_plain_integer(type)}, 1) << dtype_name(type);
  }
  EXPECT_FALSE(dtype_from_name("float").has_value());
  EXPECT_EQ(dtype_from_framework("float32"), DType::kFloat32);
}

TEST(Encodings, EveryNameLeadsBack) {
  for (const Encoding e :
       {Encoding::kNone, Encoding::kScaleOffset, Encoding::kAxisScaleOffset, Encoding::kBwScaleOffset,
        Encoding::kBwAxisScaleOffset, Encoding::kBlock, Encoding::kBlockwiseExpansion})
    EXPECT_EQ(encoding_from_name(encoding_name(e)), e);
}

}  // namespace
}  // namespace snapgauge
