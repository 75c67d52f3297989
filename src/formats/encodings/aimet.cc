// An entry names its tensor; channels and blocks have no axis: readers know the output channels of the operator.
#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "formats/encodings/encodings.h"
#include "formats/encodings/json.h"
#include "formats/encodings/tensors.h"
#include "formats/encodings/two_level.h"

namespace snapgauge {
namespace {

using Granularity = EncodedTensor::Granularity;

// LPBQ as the backends have it: 4 bits stored, multiplied by an integer of 4 bits, are 8.
constexpr int kCompressedBits = 4;
constexpr int kExpandedBits = 8;
constexpr int kLargestInteger = 1 << (kExpandedBits - kCompressedBits);

std::string_view word(Granularity granularity) {
  switch (granularity) {
    case Granularity::kTensor: return "PER_TENSOR";
    case Granularity::kChannel: return "PER_CHANNEL";
    case Granularity::kBlock: return "PER_BLOCK";
  }
  return "";
}

/// Channel scales in the place of block scales. Nothing: it is not LPBQ, or its scales are no such products.
std::optional<EncodingJson> two_level_entry(const EncodedTensor& tensor) {
  if (!tensor.two_level || !tensor.symmetric || tensor.granularity != Granularity::kBlock ||
      tensor.bits != kCompressedBits)
    return std::nullopt;
  std::vector<float> scales;
  std::vector<int> integers;
  const size_t blocks = tensor.scales.size() / tensor.channels;
  for (size_t c = 0; c < tensor.channels; ++c) {
    const auto parts = take_apart(std::span(tensor.scales).subspan(c * blocks, blocks), kLargestInteger);
    if (!parts) return std::nullopt;
    scales.push_back(parts->channel);
    integers.insert(integers.end(), parts->integers.begin(), parts->integers.end());
  }
  const std::vector<int> offsets(tensor.channels, -(1 << (kExpandedBits - 1)));
  return EncodingJson{{"name", tensor.name},
                      {"enc_type", "LPBQ"},
                      {"dtype", "INT"},
                      {"bw", kExpandedBits},
                      {"compressed_bw", kCompressedBits},
                      {"is_sym", true},
                      {"block_size", tensor.block_size},
                      {"scale", std::vector<double>(scales.begin(), scales.end())},
                      {"offset", offsets},
                      {"per_block_int_scale", integers}};
}

EncodingJson entry(const EncodedTensor& tensor) {
  if (auto out = two_level_entry(tensor)) return std::move(*out);
  EncodingJson out{{"name", tensor.name},
                   {"enc_type", word(tensor.granularity)},
                   {"dtype", "INT"},
                   {"bw", tensor.bits},
                   {"is_sym", tensor.symmetric}};
  if (tensor.granularity == Granularity::kBlock) out["block_size"] = tensor.block_size;
  out["scale"] = tensor.scales;
  out["offset"] = tensor.offsets;
  return out;
}

/// For people: only what holds for all tensors.
EncodingJson quantizer_args(const std::vector<EncodedTensor>& tensors) {
  EncodingJson out = EncodingJson::object();
  if (tensors.empty()) return out;
  if (const int bits = common_width(tensors, false); bits > 0) out["activation_bitwidth"] = bits;
  if (const int bits = common_width(tensors, true); bits > 0) out["param_bitwidth"] = bits;
  out["dtype"] = "int";
  const auto symmetric = [](const EncodedTensor& t) { return t.symmetric; };
  if (std::all_of(tensors.begin(), tensors.end(), symmetric))
    out["is_symmetric"] = true;
  else if (std::none_of(tensors.begin(), tensors.end(), symmetric))
    out["is_symmetric"] = false;
  out["per_channel_quantization"] = std::any_of(tensors.begin(), tensors.end(), [](const EncodedTensor& t) {
    return t.parameter && t.granularity != Granularity::kTensor;
  });
  return out;
}

}  // namespace

EncodingsText aimet_encodings(const Graph& graph) {
  EncodedTensors all = encoded_tensors(graph, true);
  std::string activations, parameters;
  for (const EncodedTensor& tensor : all.tensors)
    add_line(tensor.parameter ? parameters : activations, one_line(entry(tensor)));
  std::string text = "{\n \"version\": \"1.0.0\",\n \"activation_encodings\": [" + activations +
                     "],\n \"param_encodings\": [" + parameters +
                     "],\n \"excluded_layers\": [],\n \"quantizer_args\": " + one_line(quantizer_args(all.tensors)) +
                     "\n}\n";
  return {std::move(text), std::move(all.left_out), all.tensors.empty()};
}

}  // namespace snapgauge
