#include "formats/onnx/messages.h"

#include <Eigen/Core>
#include <protozero/pbf_writer.hpp>

#include "formats/onnx/model.h"

namespace snapgauge::onnx {
namespace {

using protozero::pbf_writer;

template <class T>
void append(std::string& out, T v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

}  // namespace

int32_t type_number(DType dtype) {
  constexpr int32_t kEnd = 64;
  for (int32_t t = 1; t < kEnd; ++t)
    if (dtype_of(t) == dtype) return t;
  return 0;
}

std::string encoded(DType dtype, std::span<const int64_t> values) {
  std::string out;
  const auto bits = static_cast<size_t>(bit_width(dtype));
  if (bits == 0) return out;
  const size_t each = bits < 8 ? 8 / bits : 1;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto v = static_cast<uint64_t>(values[i]);
    if (bits < 8) {
      if (i % each == 0) out.push_back(0);
      const uint64_t mask = (uint64_t{1} << bits) - 1;
      out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) | (v & mask) << (i % each * bits));
    } else {
      out.append(reinterpret_cast<const char*>(&v), bits / 8);
    }
  }
  return out;
}

std::string encoded(DType dtype, std::span<const double> values) {
  std::string out;
  for (const double v : values) switch (dtype) {
      case DType::kFloat32: append(out, static_cast<float>(v)); break;
      case DType::kFloat16: append(out, static_cast<Eigen::half>(static_cast<float>(v))); break;
      case DType::kBFloat16: append(out, static_cast<Eigen::bfloat16>(static_cast<float>(v))); break;
      default: break;
    }
  return out;
}

std::string tensor_message(std::string_view name, std::string_view doc, DType dtype, std::span<const int64_t> dims,
                           std::string_view data) {
  std::string out;
  pbf_writer writer(out);
  for (const int64_t d : dims) writer.add_int64(kDims, d);
  writer.add_int32(kDataType, type_number(dtype));
  writer.add_bytes(kName, name.data(), name.size());
  writer.add_bytes(kRawData, data.data(), data.size());
  if (!doc.empty()) writer.add_bytes(kDoc, doc.data(), doc.size());
  return out;
}

std::string integer_attribute(std::string_view name, int64_t value) {
  std::string out;
  pbf_writer writer(out);
  writer.add_bytes(kAttributeName, name.data(), name.size());
  writer.add_int64(kInteger, value);
  writer.add_int32(kType, kIntegerKind);
  return out;
}

}  // namespace snapgauge::onnx
