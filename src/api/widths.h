// Which layers need a wider config for an accuracy: the most sensitive ones first, as few as it takes.
#pragma once

#include <string>
#include <vector>

#include "api/accuracy.h"
#include "api/quantization.h"
#include "formats/registry.h"

namespace snapgauge {

struct WidthSearch {
  double target_db = 0;  // of the worst output
  AccuracyOptions accuracy;
  /// The model's graph as it was read, once more: annotation changes it.
  std::function<Result<LoadedGraph>()> load;
};

/// A quantized model with what it was made from, and how far it is from that.
struct MeasuredModel {
  std::shared_ptr<const LoadedGraph> source;
  QuantizedModel model;
  Accuracy accuracy;              // empty when it was not calibrated
  std::vector<std::string> wide;  // nodes that got the wider config
  bool reached = false;           // the target
};

/// Quantizes and measures.
Result<MeasuredModel> quantize_measured(Session& session, const QuantizeOptions& options, const Judge& judge,
                                        const WidthSearch& search);
/// rank_layers() of what was measured.
Result<std::vector<LayerSensitivity>> ranked_layers(Session& session, const MeasuredModel& model,
                                                    const std::vector<std::string>& samples,
                                                    const AccuracyOptions& options);
/// The same with more and more of the layers that rank_layers() puts first in the config that their own names as wider,
/// within what the gate accepts: about log2(layers) times.
Result<MeasuredModel> quantize_to_target(Session& session, const QuantizeOptions& options, const Judge& judge,
                                         const WidthSearch& search);

}  // namespace snapgauge
