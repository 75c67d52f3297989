// A float model from its file to integers: annotated, judged, calibrated, given numbers, written, judged again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/annotator.h"
#include "api/calibrator.h"
#include "formats/encodings/encodings.h"

namespace snapgauge {

struct QuantizeOptions {
  Recipe recipe;
  std::vector<std::string> samples;  // see Samples::open
  ConvertOptions convert;            // whose activations' observer calibration uses
  CalibrationOptions calibration;
  bool strict = true;  // stop where the specs, or the result, are not accepted
};

/// Whether some spec of the graph has no numbers yet.
bool wants_numbers(const Graph& graph);

struct GivenNumbers {
  bool calibrated = false;  // false: stopped by `progress`
  size_t samples = 0, of_samples = 0;
};
/// Observes the graph in float and writes its specs' numbers. `in_float`: a plan of it, without them.
Result<GivenNumbers> give_numbers(Graph& graph, const PlacedPlan& in_float, const QuantizeOptions& options);

struct QuantizedModel {
  AnnotatedGraph annotated;  // with the gate's word on the specs
  bool calibrated = false;   // false: stopped at the gate, or by `progress`
  size_t samples = 0, of_samples = 0;
  std::shared_ptr<const std::string> model;  // what is written: ONNX with Q/DQ pairs
  FileReport gate;                           // its check, as it is read back
  std::string text;                          // the same graph with numbers, *.sgraph.json
  EncodingsText aimet, overrides;            // its parameters beside the float model
  std::shared_ptr<const Graph> integers;     // as it is read back
  PlacedPlan in_float;                       // what was calibrated; views the graph that was given
};

using Judge = std::function<Result<FileReport>(const Graph&)>;

/// The graph, in float and with its weights, is changed.
Result<QuantizedModel> quantize(Session& session, Graph& graph, const QuantizeOptions& options, const Judge& judge);

}  // namespace snapgauge
