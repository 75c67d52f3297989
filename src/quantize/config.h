// Quant configs: what a kind of quantization writes at activations, weights and biases, as values.
//
// A config is a row of rules/quantize/quant-configs.json (exact ranges and least scales of ExecuTorch's qconfig.py) and
// never changes once it is loaded: what a node adds, its axis or block size, goes into the spec made for it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "numerics/quant.h"
#include "opinfo/database.h"
#include "quantize/granularity.h"

namespace snapgauge {

struct QuantConfig {
  std::string name;  // "16a8w"
  // Type and range alone; the functions below add the rest.
  std::optional<Spec> activation, symmetric_activation;  // none: activations stay in float
  Spec weight;
  std::optional<Spec> bias;                        // of a norm; that of a product is derived from its operands
  std::optional<Spec> second_operand;              // of a product of activations, where it is not like the first
  std::optional<std::pair<double, int64_t>> tanh;  // scale and zero point that its result must have
  double eps = 0, eps_per_channel = 0;
  std::string wider;  // the config to try where this one is not accurate enough; empty: none
  int64_t block = 0;  // elements along the input channels; 0: weights have no blocks unless a recipe says so

  bool in_float() const { return !activation; }
};

/// Of an activation: the least scale is that of the weights beside it.
Spec activation_spec(const QuantConfig& config, Granularity granularity, bool symmetric);
/// `block`: elements per scale, per dimension; of kPerBlock alone. `axis`: of the channels.
Spec weight_spec(const QuantConfig& config, Granularity granularity, int64_t axis, std::span<const int64_t> block);
/// Observed by itself.
Spec bias_spec(const QuantConfig& config);
/// Computed from the scales of an activation and a weight.
Spec derived_bias_spec(const QuantConfig& config, Granularity granularity);
Spec second_operand_spec(const QuantConfig& config);

class QuantConfigs {
 public:
  static Result<QuantConfigs> load(const Database& database);

  const QuantConfig* find(std::string_view name) const;
  const std::vector<QuantConfig>& all() const { return configs_; }
  /// Of nodes that no recipe speaks of.
  const QuantConfig& usual() const { return configs_[usual_]; }
  /// Elements per scale where a recipe asks for blocks and neither it nor the config says how many.
  int64_t usual_block() const { return usual_block_; }

 private:
  size_t usual_ = 0;
  int64_t usual_block_ = 0;
  std::vector<QuantConfig> configs_;
};

}  // namespace snapgauge
