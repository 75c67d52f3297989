// The rows of quant-configs.json as values, and the specs that are made of them.
#include "quantize/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDocument = "quant-configs";

constexpr std::array<std::pair<Granularity, std::string_view>, 3> kGranularities{{
    {Granularity::kPerTensor, "per-tensor"},
    {Granularity::kPerChannel, "per-channel"},
    {Granularity::kPerBlock, "per-block"},
}};

Spec type_and_range(const Json& row) {
  Spec spec;
  const auto type = dtype_from_framework(row.at("dtype").get<std::string>());
  if (!type) throw std::invalid_argument("no datatype: " + row.at("dtype").dump());
  spec.storage = *type;
  if (row.contains("quant_min")) spec.qmin = row["quant_min"].get<int64_t>();
  if (row.contains("quant_max")) spec.qmax = row["quant_max"].get<int64_t>();
  return spec;
}

QuantConfig read_config(const std::string& name, const Json& row) {
  constexpr std::array<std::string_view, 9> kKeys{"wider",          "tanh", "activation",      "weight", "bias",
                                                  "second_operand", "eps",  "eps_per_channel", "block"};
  for (const auto& [key, value] : row.items())
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) throw std::invalid_argument("unknown key " + key);
  QuantConfig config;
  config.name = name;
  if (row.contains("activation")) {
    config.activation = type_and_range(row["activation"].at("affine"));
    config.symmetric_activation = type_and_range(row["activation"].at("symmetric"));
  }
  config.weight = type_and_range(row.at("weight"));
  if (row.contains("bias")) config.bias = type_and_range(row["bias"]);
  if (row.contains("second_operand")) config.second_operand = type_and_range(row["second_operand"]);
  if (row.contains("tanh"))
    config.tanh = {row["tanh"].at("scale").get<double>(), row["tanh"].at("zero_point").get<int64_t>()};
  config.eps = row.at("eps").get<double>();
  config.eps_per_channel = row.at("eps_per_channel").get<double>();
  config.block = row.value("block", int64_t{0});
  config.wider = row.value("wider", std::string());
  return config;
}

/// Symmetric over the whole tensor. The axis is what the original writes; it says nothing there.
Spec symmetric(Spec spec, double eps) {
  spec.scheme = Scheme::kPerTensorSymmetric;
  spec.axis = 0;
  spec.observer = "MinMaxObserver";
  spec.eps = eps;
  return spec;
}

}  // namespace

std::string_view granularity_name(Granularity granularity) {
  return kGranularities[static_cast<size_t>(granularity)].second;
}

std::optional<Granularity> granularity_named(std::string_view name) {
  for (const auto& [granularity, word] : kGranularities)
    if (word == name) return granularity;
  return std::nullopt;
}

Spec activation_spec(const QuantConfig& config, Granularity granularity, bool symmetric) {
  Spec spec = symmetric ? *config.symmetric_activation : *config.activation;
  spec.scheme = symmetric ? Scheme::kPerTensorSymmetric : Scheme::kPerTensorAffine;
  if (symmetric) spec.axis = 0;
  spec.observer = "MovingAverageMinMaxObserver";
  spec.eps = granularity == Granularity::kPerTensor ? config.eps : config.eps_per_channel;
  return spec;
}

Spec weight_spec(const QuantConfig& config, Granularity granularity, int64_t axis, std::span<const int64_t> block) {
  if (granularity == Granularity::kPerTensor) return symmetric(config.weight, config.eps);
  Spec spec = config.weight;
  spec.scheme = Scheme::kPerChannelSymmetric;
  spec.axis = axis;
  spec.eps = config.eps_per_channel;
  spec.observer = "PerChannelParamObserver";
  if (granularity != Granularity::kPerBlock) return spec;
  spec.observer = "PerBlockParamObserver";
  spec.block.assign(block.begin(), block.end());
  spec.two_level = true;
  return spec;
}

Spec bias_spec(const QuantConfig& config) {
  Spec spec = symmetric(*config.bias, config.eps);
  spec.axis.reset();
  return spec;
}

Spec derived_bias_spec(const QuantConfig& config, Granularity granularity) {
  Spec spec = *config.bias;
  const bool per_tensor = granularity == Granularity::kPerTensor;
  spec.scheme = per_tensor ? Scheme::kPerTensorSymmetric : Scheme::kPerChannelSymmetric;
  if (!per_tensor) spec.axis = 0;
  return spec;
}

Spec second_operand_spec(const QuantConfig& config) { return symmetric(*config.second_operand, config.eps); }

Result<QuantConfigs> QuantConfigs::load(const Database& database) {
  const auto text = database.document(kDocument);
  if (!text) return text.error();
  QuantConfigs out;
  try {
    const Json file = Json::parse(text.value());
    for (const auto& [name, row] : file.at("configs").items()) out.configs_.push_back(read_config(name, row));
    const QuantConfig* usual = out.find(file.at("default").get<std::string>());
    if (usual == nullptr) throw std::invalid_argument("the default is no config");
    out.usual_ = static_cast<size_t>(usual - out.configs_.data());
    out.usual_block_ = file.at("usual_block").get<int64_t>();
  } catch (const std::exception& error) {
    return Error{ErrorCode::kParse, kDocument, printable(error.what())};
  }
  return out;
}

const QuantConfig* QuantConfigs::find(std::string_view name) const {
  const auto it = std::find_if(configs_.begin(), configs_.end(), [&](const QuantConfig& c) { return c.name == name; });
  return it == configs_.end() ? nullptr : &*it;
}

}  // namespace snapgauge
