// A model from its file to its outputs on the host: read, gated, lowered, executed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/session.h"
#include "api/tensors.h"
#include "artifact/artifact.h"
#include "formats/npy/npy.h"
#include "graph/draw.h"
#include "options/options.h"
#include "runtime/runtime.h"

namespace snapgauge {

struct RunnableModel {
  std::string path;
  std::shared_ptr<const LoadedPlan> plan;
  FileReport gate;
  bool in_float = false;  // nothing in it is quantized
  // Of a graph of an artifact.
  std::vector<std::string> warnings;  // about its options
  std::string schedule;               // see schedule_text()
};

/// Gated strictly, but for graphs without any quantization: what no backend takes in float can still be computed, which
/// calibration needs. A refused graph is no error: `plan` is null then, and `gate` says why.
Result<RunnableModel> load_runnable(Session& session, const std::string& path,
                                    const std::vector<std::string>& allowed_folders);

/// The same of a graph that was read, with what the gate said of it. `holder` keeps the graph and what it views for as
/// long as the model lives.
Result<RunnableModel> prepare(Session& session, const Graph& graph, FileReport gate,
                              std::shared_ptr<const void> holder);

/// How a graph of an artifact is taken.
struct ArtifactRun {
  std::string graph;                 // may be empty where there is only one
  std::vector<OptionText> options;   // of the run
  std::optional<double> throughput;  // see DeviceGraph::finalize
};
Result<RunnableModel> load_from_artifact(ReadArtifact read, const std::string& path, const ArtifactRun& how);

/// The inputs of a model from files, "NAME=FILE.npy" or, of a model with one input, "FILE.npy". Each is there once and
/// has the model's type and shape.
Result<std::vector<NamedTensor>> read_inputs(const Plan& plan, const std::vector<std::string>& given);
/// Several sets of them, a line of a file each: entries as for read_inputs, apart by blanks, "NAME:=FILE" too; paths
/// count from the list's folder. Empty lines and those that begin with "#" are left out.
Result<std::vector<std::vector<std::string>>> read_input_list(const std::string& path);
/// Numbers from -1 to 1, small integers, drawn from a seed: the same on every machine.
std::vector<NamedTensor> random_inputs(const Plan& plan, uint64_t seed);

/// A run with its inputs written, in the plan's order, as read_inputs gives them.
Result<PlanRun> begin(const RunnableModel& model, const std::vector<NamedTensor>& inputs);
/// Outputs in the plan's order likewise.
/// `after` is called behind each step of the plan.
Result<std::vector<NamedTensor>> execute(const RunnableModel& model, const std::vector<NamedTensor>& inputs,
                                         const std::function<void(size_t)>& after = {});

/// What a float may differ by, of the largest magnitude.
inline constexpr double kFloatShare = 1e-4;

/// One output beside what another program made of the same input.
struct OutputComparison {
  std::string name;
  uint64_t elements = 0, differing = 0;
  double largest = 0;           // difference
  double step = 0;              // of the output's own scale; 0: it is not quantized
  double rms_steps = 0;         // root mean square of the difference in steps; of its largest magnitude without steps
  double largest_expected = 0;  // magnitude
  std::string bound;            // what is asked of it
  bool within = false;
};

/// What a *.golden.json (docs/running.md) gives to the model.
Result<std::vector<NamedTensor>> golden_inputs(const RunnableModel& model, const std::string& golden);
/// Runs its inputs and compares. 8-bit outputs are equal; of 16-bit ones the root
/// mean square of the difference is at most one step, or 1.5 times that of the exact result in double precision; floats
/// differ by at most 1e-4 of the largest magnitude.
Result<std::vector<OutputComparison>> compare(const RunnableModel& model, const std::string& golden);

}  // namespace snapgauge
