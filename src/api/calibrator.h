// Calibration: a float graph runs over samples, and what its tensors hold is observed.
//
// Samples are read one after the other, so memory does not grow with their number. Results do not depend on the number
// of threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/samples.h"
#include "lower/lower.h"
#include "quantize/convert.h"
#include "runtime/runtime.h"

namespace snapgauge {

class Session;

/// A graph ready to run, and where its tensors are while it does.
struct PlacedPlan {
  std::shared_ptr<const LoadedPlan> plan;
  std::vector<TensorPlace> places;  // by value
};
/// An error about something in a graph, with the graph's file.
Error in_file(const Graph& graph, const Error& error);

/// Nothing is judged: floats run that no backend takes. The graph outlives the result. Errors name what the host has no
/// kernel for.
Result<PlacedPlan> placed_plan(Session& session, const Graph& graph);

struct CalibrationOptions {
  ObserverOptions observer;
  unsigned threads = 1;
  /// After every sample, from the calling thread; false: stop here.
  std::function<bool(size_t done, size_t total)> progress;
  /// Where to keep what was observed when it is stopped, and from where to go on; empty: nowhere.
  std::string state;
  uint64_t identity = 0;  // of model and recipe: a state of another one is refused
};

struct Calibration {
  std::vector<GroupObservation> groups;  // as they were given
  size_t samples = 0;
  bool stopped = false;  // by `progress`
};
/// Errors: a sample that does not fit, one that makes a tensor hold numbers that are none.
Result<Calibration> calibrate(const PlacedPlan& model, const Graph& graph, const std::vector<QuantGroup>& groups,
                              const Samples& samples, const CalibrationOptions& options);

}  // namespace snapgauge
