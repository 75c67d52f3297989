// Running models from a program: load once, run as often as wanted, from any number of threads.
//
// What was judged is what runs: a model that the gate refuses is not loaded, unless nothing in it is quantized
// (docs/running.md). Arithmetic: docs/notes/007-arithmetic.md. Ownership: everything returned is a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "snapgauge/check.h"

namespace snapgauge {

/// A tensor that a model takes or makes. Elements lie densely, the last dimension runs fastest, little endian.
struct RunTensor {
  std::string name;
  std::string dtype;           // NumPy's: "float32", "int64", "uint8", ...
  std::vector<int64_t> shape;  // every size is known
  uint64_t bytes = 0;
};

/// A loaded model. Read-only: run() may be called from several threads at once.
class Model {
 public:
  /// Null when the file cannot be read, is refused, or has an operator without a kernel; `error` says which and why.
  /// External data is read from the model's folder, or from `allowed_folders`.
  static std::unique_ptr<const Model> load(const std::string& path, const CheckTarget& target,
                                           const TableSource& tables, std::string* error,
                                           const std::vector<std::string>& allowed_folders = {});
  ~Model();

  const std::vector<RunTensor>& inputs() const;
  const std::vector<RunTensor>& outputs() const;
  /// Memory that one run takes beside the inputs and outputs themselves.
  uint64_t working_bytes() const;

  /// One span per input and output, in their order and of their sizes. False, with `error` set, when they do not fit or
  /// memory is short; nothing is written then.
  bool run(std::span<const std::span<const std::byte>> inputs, std::span<const std::span<std::byte>> outputs,
           std::string* error) const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace snapgauge
