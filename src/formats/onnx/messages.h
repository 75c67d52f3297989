// Messages of onnx.proto as they are written: field numbers, tensors, attributes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "numerics/dtype.h"

namespace snapgauge::onnx {

// Field numbers of onnx.proto.
enum ModelField : uint32_t { kIrVersion = 1, kProducer = 2, kProducerVersion = 3, kGraph = 7, kOpset = 8 };
enum OpsetField : uint32_t { kOpsetDomain = 1, kOpsetVersion = 2 };
enum GraphField : uint32_t {
  kNode = 1,
  kGraphName = 2,
  kInitializer = 5,
  kGraphInput = 11,
  kGraphOutput = 12,
  kValueInfo = 13
};
// ValueInfoProto, TypeProto, TensorShapeProto.
enum InfoField : uint32_t { kInfoName = 1, kInfoType = 2 };
enum TypeField : uint32_t { kTensorType = 1, kElementType = 1, kShape = 2 };
enum ShapeField : uint32_t { kDim = 1, kDimValue = 1 };
enum NodeField : uint32_t { kInput = 1, kOutput = 2, kNodeName = 3, kOpType = 4, kAttribute = 5, kDomain = 7 };
enum AttributeField : uint32_t {
  kAttributeName = 1,
  kReal = 2,
  kInteger = 3,
  kText = 4,
  kTensor = 5,
  kReals = 7,
  kIntegers = 8,
  kTexts = 9,
  kType = 20
};
enum AttributeKind : int32_t {
  kRealKind = 1,
  kIntegerKind = 2,
  kTextKind = 3,
  kTensorKind = 4,
  kRealsKind = 6,
  kIntegersKind = 7,
  kTextsKind = 8
};
enum TensorField : uint32_t { kDims = 1, kDataType = 2, kName = 8, kRawData = 9, kDoc = 12 };

/// TensorProto.DataType; 0 where it has none.
int32_t type_number(DType dtype);

/// Little endian, as raw_data has it; below 8 bits several elements a byte, the first in the lowest bits. Empty for
/// types that are not written.
std::string encoded(DType dtype, std::span<const int64_t> values);
std::string encoded(DType dtype, std::span<const double> values);

std::string tensor_message(std::string_view name, std::string_view doc, DType dtype, std::span<const int64_t> dims,
                           std::string_view data);
std::string integer_attribute(std::string_view name, int64_t value);

}  // namespace snapgauge::onnx
