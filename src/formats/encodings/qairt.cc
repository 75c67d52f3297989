// A tensor's name leads to one encoding, or to one for each channel.
#include <utility>

#include "formats/encodings/encodings.h"
#include "formats/encodings/json.h"
#include "formats/encodings/tensors.h"

namespace snapgauge {
namespace {

EncodingJson encodings_of(const EncodedTensor& tensor) {
  EncodingJson out = EncodingJson::array();
  const auto last = static_cast<double>((int64_t{1} << tensor.bits) - 1);
  for (size_t c = 0; c < tensor.scales.size(); ++c) {
    const double scale = tensor.scales[c], offset = static_cast<double>(tensor.offsets[c]);
    out.push_back({{"bitwidth", tensor.bits},
                   {"dtype", "int"},
                   {"is_symmetric", tensor.symmetric ? "True" : "False"},
                   {"min", scale * offset},
                   {"max", scale * (offset + last)},
                   {"offset", tensor.offsets[c]},
                   {"scale", scale}});
  }
  return out;
}

}  // namespace

EncodingsText qairt_overrides(const Graph& graph, const std::map<std::string, std::string, std::less<>>& renamed) {
  EncodedTensors all = encoded_tensors(graph, false);
  std::string activations, parameters;
  for (const EncodedTensor& tensor : all.tensors) {
    const auto other = renamed.find(tensor.name);
    const std::string name = other == renamed.end() ? std::string(tensor.name) : other->second;
    add_line(tensor.parameter ? parameters : activations, one_line(name) + ": " + one_line(encodings_of(tensor)));
  }
  std::string text =
      "{\n \"activation_encodings\": {" + activations + "},\n \"param_encodings\": {" + parameters + "}\n}\n";
  return {std::move(text), std::move(all.left_out), all.tensors.empty()};
}

CommonWidths common_widths(const Graph& graph) {
  const EncodedTensors all = encoded_tensors(graph, true);
  return {common_width(all.tensors, false), common_width(all.tensors, true)};
}

}  // namespace snapgauge
