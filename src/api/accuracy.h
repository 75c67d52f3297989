// How far a quantized model is from its float model, tensor by tensor, and what each layer adds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/calibrator.h"

namespace snapgauge {

/// A model ready to run whose tensors can be looked at, with the graph that names them. The graph outlives it.
struct ObservedModel {
  const Graph* graph = nullptr;
  PlacedPlan model;
};

/// The result of one layer in both models. A tensor that only a ReLU or Clip reads is looked at behind it. Signal to
/// noise ratios in dB: 10 log10(sum x^2 / sum (x - y)^2) over all samples; infinite where nothing differs. Numbers that
/// stand for "nothing here" are left out.
struct LayerAccuracy {
  std::string tensor, node, op;
  std::string before;             // the node whose result this one alone reads and cuts off; empty: none
  std::string dtype;              // of the integers; empty: it stays in float
  uint64_t elements = 0;          // of one sample
  double sqnr_db = 0;             // with everything in front of it quantized
  double unquantized_db = 0;      // the same, had this layer alone been left in float: only it is run again
  double least = 0, largest = 0;  // in float
  double low = 0, high = 0;       // what the integers can hold
  double clipped = 0;             // share of the numbers beyond that
};

struct OutputAccuracy {
  std::string name;
  double sqnr_db = 0;
};

struct Accuracy {
  size_t samples = 0;
  std::vector<LayerAccuracy> layers;  // in the order of the float model
  std::vector<OutputAccuracy> outputs;
  double worst_output_db() const;
};

struct AccuracyOptions {
  std::function<bool(size_t done, size_t total)> progress;
};

/// Tensors have the same names in both graphs. Keeps the tensors of one sample.
Result<Accuracy> measure_accuracy(const ObservedModel& in_float, const ObservedModel& quantized, const Samples& samples,
                                  const AccuracyOptions& options);

/// An error, about `path`, unless both take the same tensors in the same order.
Status same_inputs(const Plan& in_float, const Plan& quantized, const std::string& path);

/// What one layer's own error does to the outputs.
struct LayerSensitivity {
  size_t layer = 0;      // of Accuracy::layers
  double output_db = 0;  // worst output, with the error of this layer alone
};
/// The worst first. One run of the float model for each layer and sample.
Result<std::vector<LayerSensitivity>> rank_layers(const ObservedModel& in_float, const ObservedModel& quantized,
                                                  const Samples& samples, const AccuracyOptions& options);

}  // namespace snapgauge
