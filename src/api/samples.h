// Samples of a model's inputs: from .npy, .npz, raw and list files, or drawn. Read when they are asked for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/tensors.h"
#include "base/result.h"
#include "plan/plan.h"

namespace snapgauge {

class Samples {
 public:
  /// Each of `sources` gives one sample or more:
  /// - FILE.npy: of a model with one input; with one dimension more, or more than the input has in the first, several
  /// - FILE.npz: an array for each input under its name, likewise; or "inK_I", input I of sample K
  /// - FILE.raw: bytes of a model with one input, one sample after the other
  /// - FILE.txt: a line a sample, see read_input_list()
  /// - a folder: every .npy, .npz and .raw in it, by name
  /// - random:N or random:N:SEED: see random_inputs()
  static Result<Samples> open(const Plan& plan, const std::vector<std::string>& sources);

  size_t size() const { return readers_.size(); }
  /// In the plan's order of inputs, as execute() takes them.
  Result<std::vector<NamedTensor>> read(size_t index) const;

 private:
  friend class SampleReader;
  using Reader = std::function<Result<std::vector<NamedTensor>>()>;
  std::vector<Reader> readers_;
};

}  // namespace snapgauge
