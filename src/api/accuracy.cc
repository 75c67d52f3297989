// A sample runs three times: in float, in integers, and in float with every result replaced by that of the integers
// before it is read. What a layer makes of the integers' operands in the third run is what it would make if it alone
// were in float; the rest of its distance is its own error.
#include "api/accuracy.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <unordered_map>

#include "api/saturation.h"
#include "base/text.h"

namespace snapgauge {
namespace {

double decibels(double signal, double noise) {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

template <class T>
void dequantize(const std::byte* data, const BufferQuant& quant, std::vector<float>& out) {
  const float scale = quant.scales[0];
  const int32_t zero = quant.zero_points[0];
  for (size_t i = 0; i < out.size(); ++i) {
    T q = 0;
    std::memcpy(&q, data + i * sizeof q, sizeof q);
    out[i] = static_cast<float>(static_cast<int64_t>(q) - zero) * scale;
  }
}

/// Of a tensor of floats, or of integers with one scale; empty for others.
std::vector<float> numbers_of(const Buffer& b, std::span<const std::byte> bytes) {
  std::vector<float> out(b.elements());
  if (b.dtype == DType::kFloat32 && b.quant.empty()) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  }
  if (!b.quant.per_tensor()) return {};
  switch (b.dtype) {
    case DType::kInt8: dequantize<int8_t>(bytes.data(), b.quant, out); break;
    case DType::kUint8: dequantize<uint8_t>(bytes.data(), b.quant, out); break;
    case DType::kInt16: dequantize<int16_t>(bytes.data(), b.quant, out); break;
    case DType::kUint16: dequantize<uint16_t>(bytes.data(), b.quant, out); break;
    case DType::kInt32: dequantize<int32_t>(bytes.data(), b.quant, out); break;
    default: return {};
  }
  return out;
}

/// One tensor that both models have.
struct Pair {
  ValueId in_float, quantized;
  BufferId float_buffer, quantized_buffer;  // that are looked at
  size_t float_step = 0, quantized_step = 0;
  std::string before;  // see LayerAccuracy
};

std::unordered_map<uint32_t, TensorPlace> by_value(const PlacedPlan& model) {
  std::unordered_map<uint32_t, TensorPlace> out;
  for (const TensorPlace& p : model.places) out.emplace(p.value.index, p);
  return out;
}

/// Step by the buffer that it writes, or that has the same bytes.
std::unordered_map<uint32_t, size_t> makers(const Plan& plan) {
  std::unordered_map<uint32_t, size_t> out;
  for (size_t s = 0; s < plan.steps.size(); ++s) out.emplace(plan.owner(plan.steps[s].output).index, s);
  return out;
}

/// Graph outputs are named behind their pairs; the tensors in front of these by position.
std::unordered_map<std::string_view, ValueId> names_in(const Graph& quantized, const Graph& in_float) {
  std::unordered_map<std::string_view, ValueId> out;
  for (uint32_t v = 0; v < quantized.values.size(); ++v)
    if (quantized.node(quantized.values[v].producer).kind == NodeKind::kCall)
      out.emplace(quantized.text(quantized.values[v].name), ValueId{v});
  std::vector<const Node*> ours, theirs;
  for (const Node& n : quantized.nodes)
    if (n.kind == NodeKind::kOutput) theirs.push_back(&n);
  for (const Node& n : in_float.nodes)
    if (n.kind == NodeKind::kOutput) ours.push_back(&n);
  for (size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i)
    for (uint32_t u = 0; u < std::min(ours[i]->uses.count, theirs[i]->uses.count); ++u) {
      const ValueId a = in_float.uses[ours[i]->uses.first + u].value;
      const ValueId b = quantized.uses[theirs[i]->uses.first + u].value;
      if (a.valid() && b.valid()) out[in_float.text(in_float.value(a).name)] = b;
    }
  return out;
}

/// The tensors that are compared: results of calls, in the order in which the float model makes them.
std::vector<Pair> pairs_of(const ObservedModel& in_float, const ObservedModel& quantized) {
  const Plan& a = in_float.model.plan->plan();
  const Plan& b = quantized.model.plan->plan();
  const auto a_places = by_value(in_float.model), b_places = by_value(quantized.model);
  const auto a_makers = makers(a), b_makers = makers(b);
  const auto names = names_in(*quantized.graph, *in_float.graph);
  const std::vector<size_t> cut_off = cut_off_by(a);
  std::vector<Pair> out;
  const Graph& graph = *in_float.graph;
  for (uint32_t v = 0; v < graph.values.size(); ++v) {
    if (graph.node(graph.values[v].producer).kind != NodeKind::kCall) continue;
    const auto other = names.find(graph.text(graph.values[v].name));
    if (other == names.end()) continue;
    const auto p = a_places.find(v), q = b_places.find(other->second.index);
    if (p == a_places.end() || q == b_places.end() || p->second.order != q->second.order) continue;
    const auto made = a_makers.find(a.owner(p->second.buffer).index);
    const auto made_there = b_makers.find(b.owner(q->second.buffer).index);
    if (made == a_makers.end() || made_there == b_makers.end()) continue;
    if (a.buffer(p->second.buffer).dtype != DType::kFloat32) continue;
    if (cut_off[a.owner(p->second.buffer).index] != SIZE_MAX) continue;  // its integers need not hold what is cut off
    const BufferId read = a.steps[made->second].inputs[0];
    const auto in_front = a_makers.find(a.owner(read).index);
    const bool cuts = cut_off[a.owner(read).index] == made->second && in_front != a_makers.end();
    out.push_back({ValueId{v}, other->second, p->second.buffer, q->second.buffer, made->second, made_there->second,
                   cuts ? a.steps[in_front->second].node : std::string()});
  }
  std::stable_sort(out.begin(), out.end(), [](const Pair& x, const Pair& y) { return x.float_step < y.float_step; });
  return out;
}

struct Sums {
  double signal = 0, noise = 0;

  void add(std::span<const float> exact, std::span<const float> got) {
    for (size_t i = 0; i < std::min(exact.size(), got.size()); ++i) {
      if (!(std::abs(exact[i]) < kMasked) || !std::isfinite(got[i])) continue;
      const double x = static_cast<double>(exact[i]), d = x - static_cast<double>(got[i]);
      signal += x * x;
      noise += d * d;
    }
  }
  double db() const { return decibels(signal, noise); }
};

/// Both models side by side over samples.
class SideBySide {
 public:
  static Result<SideBySide> make(const ObservedModel& in_float, const ObservedModel& quantized) {
    SideBySide out(in_float, quantized);
    auto a = PlanRun::make(in_float.model.plan);
    if (!a) return a.error();
    auto b = PlanRun::make(quantized.model.plan);
    if (!b) return b.error();
    out.float_run_ = std::move(*a);
    out.quantized_run_ = std::move(*b);
    return out;
  }

  const std::vector<Pair>& pairs() const { return pairs_; }
  const Plan& float_plan() const { return in_float_->model.plan->plan(); }
  const Plan& quantized_plan() const { return quantized_->model.plan->plan(); }

  /// Runs a sample in float and in integers, and keeps what they make.
  void run(const std::vector<NamedTensor>& inputs) {
    exact_.assign(pairs_.size(), {});
    got_.assign(pairs_.size(), {});
    give(*float_run_, float_plan(), inputs);
    float_run_->run([&](size_t step) {
      for (const size_t p : at_float_step_[step])
        exact_[p] = numbers_of(float_plan().buffer(pairs_[p].float_buffer), float_run_->bytes(pairs_[p].float_buffer));
    });
    float_outputs_ = outputs_of(*float_run_, float_plan());
    give(*quantized_run_, quantized_plan(), inputs);
    quantized_run_->run([&](size_t step) {
      for (const size_t p : at_quantized_step_[step])
        got_[p] = numbers_of(quantized_plan().buffer(pairs_[p].quantized_buffer),
                             quantized_run_->bytes(pairs_[p].quantized_buffer));
    });
    quantized_outputs_ = outputs_of(*quantized_run_, quantized_plan());
  }

  /// The float model with the integers' results in place of its own: what each layer makes of them.
  void run_forced(const std::vector<NamedTensor>& inputs) {
    alone_.assign(pairs_.size(), {});
    give(*float_run_, float_plan(), inputs);
    float_run_->run([&](size_t step) {
      for (const size_t p : at_float_step_[step]) {
        const std::span<std::byte> bytes = float_run_->bytes(pairs_[p].float_buffer);
        alone_[p] = numbers_of(float_plan().buffer(pairs_[p].float_buffer), bytes);
        if (got_[p].size() * sizeof(float) == bytes.size()) std::memcpy(bytes.data(), got_[p].data(), bytes.size());
      }
    });
  }

  /// The float model with one layer's own error: the outputs.
  std::vector<std::vector<float>> run_with_error(const std::vector<NamedTensor>& inputs, size_t pair) {
    give(*float_run_, float_plan(), inputs);
    float_run_->run([&](size_t step) {
      if (step != pairs_[pair].float_step || got_[pair].size() != exact_[pair].size()) return;
      std::vector<float> sum = exact_[pair];
      for (size_t i = 0; i < sum.size(); ++i) {
        const float error = got_[pair][i] - alone_[pair][i];
        if (std::isfinite(error)) sum[i] += error;
      }
      std::memcpy(float_run_->bytes(pairs_[pair].float_buffer).data(), sum.data(), sum.size() * sizeof(float));
    });
    return outputs_of(*float_run_, float_plan());
  }

  const std::vector<float>& exact(size_t p) const { return exact_[p]; }
  const std::vector<float>& got(size_t p) const { return got_[p]; }
  const std::vector<float>& alone(size_t p) const { return alone_[p]; }
  const std::vector<std::vector<float>>& float_outputs() const { return float_outputs_; }
  const std::vector<std::vector<float>>& quantized_outputs() const { return quantized_outputs_; }

 private:
  SideBySide(const ObservedModel& in_float, const ObservedModel& quantized)
      : in_float_(&in_float), quantized_(&quantized), pairs_(pairs_of(in_float, quantized)) {
    for (size_t p = 0; p < pairs_.size(); ++p) {
      at_float_step_[pairs_[p].float_step].push_back(p);
      at_quantized_step_[pairs_[p].quantized_step].push_back(p);
    }
  }
  static void give(PlanRun& run, const Plan& plan, const std::vector<NamedTensor>& inputs) {
    for (size_t i = 0; i < inputs.size(); ++i)
      std::copy(inputs[i].data.begin(), inputs[i].data.end(), run.bytes(plan.inputs[i]).begin());
  }
  static std::vector<std::vector<float>> outputs_of(PlanRun& run, const Plan& plan) {
    std::vector<std::vector<float>> out;
    for (const BufferId id : plan.outputs) out.push_back(numbers_of(plan.buffer(id), run.bytes(id)));
    return out;
  }

  const ObservedModel *in_float_, *quantized_;
  std::vector<Pair> pairs_;
  std::map<size_t, std::vector<size_t>> at_float_step_, at_quantized_step_;
  std::optional<PlanRun> float_run_, quantized_run_;
  std::vector<std::vector<float>> exact_, got_, alone_, float_outputs_, quantized_outputs_;
};

LayerAccuracy described(const ObservedModel& in_float, const ObservedModel& quantized, const Pair& pair) {
  const Graph& graph = *in_float.graph;
  const Node& node = graph.node(graph.value(pair.in_float).producer);
  LayerAccuracy out;
  out.tensor = printable(graph.text(graph.value(pair.in_float).name));
  out.node = printable(graph.text(node.name));
  out.op = printable(graph.text(node.op));
  out.before = printable(pair.before);
  out.least = std::numeric_limits<double>::infinity();
  out.largest = -out.least;
  const Buffer& b = quantized.model.plan->plan().buffer(pair.quantized_buffer);
  out.elements = b.elements();
  if (!b.quant.per_tensor()) return out;
  out.dtype = framework_name(b.dtype);
  const IntegerRange range = integer_range(b.dtype).value_or(IntegerRange{});
  const auto scale = static_cast<double>(b.quant.scales[0]);
  out.low = static_cast<double>(range.min - b.quant.zero_points[0]) * scale;
  out.high = static_cast<double>(range.max - b.quant.zero_points[0]) * scale;
  return out;
}

/// Half a step beyond the ends is still rounded to them.
void look_at_range(LayerAccuracy& layer, const Buffer& b, std::span<const float> exact, uint64_t& clipped,
                   uint64_t& all) {
  const double half = b.quant.per_tensor() ? static_cast<double>(b.quant.scales[0]) / 2 : 0;
  for (const float v : exact) {
    if (!(std::abs(v) < kMasked)) continue;
    const auto x = static_cast<double>(v);
    layer.least = std::min(layer.least, x);
    layer.largest = std::max(layer.largest, x);
    ++all;
    if (half > 0 && (x < layer.low - half || x > layer.high + half)) ++clipped;
  }
}

}  // namespace

double Accuracy::worst_output_db() const {
  double out = std::numeric_limits<double>::infinity();
  for (const OutputAccuracy& o : outputs) out = std::min(out, o.sqnr_db);
  return out;
}

Result<Accuracy> measure_accuracy(const ObservedModel& in_float, const ObservedModel& quantized, const Samples& samples,
                                  const AccuracyOptions& options) {
  auto comparison = SideBySide::make(in_float, quantized);
  if (!comparison) return comparison.error();
  const std::vector<Pair>& pairs = comparison->pairs();
  Accuracy out;
  for (const Pair& p : pairs) out.layers.push_back(described(in_float, quantized, p));
  for (const std::string& name : comparison->float_plan().output_names) out.outputs.push_back({printable(name), 0});
  std::vector<Sums> whole(pairs.size()), alone(pairs.size()), outputs(out.outputs.size());
  std::vector<uint64_t> clipped(pairs.size()), all(pairs.size());
  const size_t count = samples.size();
  for (size_t s = 0; s < count; ++s) {
    const auto inputs = samples.read(s);
    if (!inputs) return inputs.error();
    comparison->run(inputs.value());
    for (size_t o = 0; o < outputs.size() && o < comparison->quantized_outputs().size(); ++o)
      outputs[o].add(comparison->float_outputs()[o], comparison->quantized_outputs()[o]);
    comparison->run_forced(inputs.value());
    for (size_t p = 0; p < pairs.size(); ++p) {
      whole[p].add(comparison->exact(p), comparison->got(p));
      alone[p].add(comparison->exact(p), comparison->alone(p));
      look_at_range(out.layers[p], comparison->quantized_plan().buffer(pairs[p].quantized_buffer), comparison->exact(p),
                    clipped[p], all[p]);
    }
    ++out.samples;
    if (options.progress && !options.progress(s + 1, count)) break;
  }
  for (size_t p = 0; p < pairs.size(); ++p) {
    out.layers[p].sqnr_db = whole[p].db();
    out.layers[p].unquantized_db = alone[p].db();
    if (all[p] > 0) out.layers[p].clipped = static_cast<double>(clipped[p]) / static_cast<double>(all[p]);
  }
  for (size_t o = 0; o < outputs.size(); ++o) out.outputs[o].sqnr_db = outputs[o].db();
  return out;
}

Status same_inputs(const Plan& in_float, const Plan& quantized, const std::string& path) {
  const auto alike = [&](BufferId a, BufferId b) {
    return in_float.buffer(a).name == quantized.buffer(b).name &&
           in_float.buffer(a).dtype == quantized.buffer(b).dtype && in_float.buffer(a).dims == quantized.buffer(b).dims;
  };
  if (std::ranges::equal(in_float.inputs, quantized.inputs, alike)) return Done{};
  return Error{ErrorCode::kUsage, path, "has other inputs than the model in float"};
}

Result<std::vector<LayerSensitivity>> rank_layers(const ObservedModel& in_float, const ObservedModel& quantized,
                                                  const Samples& samples, const AccuracyOptions& options) {
  auto comparison = SideBySide::make(in_float, quantized);
  if (!comparison) return comparison.error();
  const size_t layers = comparison->pairs().size(), count = samples.size();
  std::vector<std::vector<Sums>> sums(layers, std::vector<Sums>(comparison->float_plan().outputs.size()));
  for (size_t s = 0; s < count; ++s) {
    const auto inputs = samples.read(s);
    if (!inputs) return inputs.error();
    comparison->run(inputs.value());
    comparison->run_forced(inputs.value());
    for (size_t p = 0; p < layers; ++p) {
      const auto outputs = comparison->run_with_error(inputs.value(), p);
      for (size_t o = 0; o < outputs.size(); ++o) sums[p][o].add(comparison->float_outputs()[o], outputs[o]);
      if (options.progress && !options.progress(s * layers + p + 1, count * layers))
        return std::vector<LayerSensitivity>();
    }
  }
  std::vector<LayerSensitivity> out;
  for (size_t p = 0; p < layers; ++p) {
    double worst = std::numeric_limits<double>::infinity();
    for (const Sums& sum : sums[p]) worst = std::min(worst, sum.db());
    out.push_back({p, worst});
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.output_db < b.output_db; });
  return out;
}

}  // namespace snapgauge
