// What a graph is judged for: backend, SoC (which gives the arch), SDK version, pipeline.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "numerics/dtype.h"
#include "opinfo/database.h"
#include "opinfo/predicate.h"

namespace snapgauge {

struct Soc {
  std::string name;
  int id = 0;
  int arch = 0;  // 79 for V79
  int vtcm_mb = 0;
  std::string lpai;  // LPAI hardware version, empty when it has none
  std::string marketing;
};

struct Backend {
  std::string name, title;
  bool has_arch = false;    // rows gate on the HTP architecture
  bool needs_lpai = false;  // only SoCs with LPAI hardware
  bool fixed_point_only = false;
  bool float_first = false;                   // few ops take quantized tensors
  std::map<std::string, SdkVersion> min_sdk;  // by LPAI hardware version
  bool full_delegation = false;               // one node it refuses refuses the graph
  std::map<DType, DTypeSet> reads_as;         // float types it takes for another (HTP runs FLOAT_32 graphs in FLOAT_16)
};

/// A Convert that a pipeline inserts, or a constant that it quantizes again.
struct PortCast {
  std::vector<std::string> ops, backends;
  PortRef port;
  DType from = DType::kUndefined, to = DType::kUndefined;
  bool symmetric = false;
  bool per_axis = false;  // tensors with a scale per channel too
  Condition when;
  bool operator==(const PortCast&) const = default;
};

/// A fault that a pipeline mends before the backend sees the node.
struct Repair {
  std::vector<std::string> rules, ops, backends;  // codes; no backends: all
  PortRef port;
  bool only_static = false;
  std::string change, cost;
  bool operator==(const Repair&) const = default;
};

struct Pipeline {
  std::string name;
  std::vector<std::string> frontends;
  std::map<DType, DTypeSet> casts;           // plain types it converts before the backend sees them
  std::map<DType, DTypeSet> constant_casts;  // the same, of constants only
  std::vector<PortCast> port_casts;
  std::vector<Repair> repairs;
  bool drops_empty = false;                // nodes whose result has no elements
  bool results_take_readers = false;       // see Sharing
  std::string free_sizes;                  // why it takes no sizes that are open when the graph is built; empty: it may
  std::vector<std::string> border_inside;  // backends that quantize the graph's inputs and outputs themselves
  bool assumed_casts = false;              // no public source states `casts` and `constant_casts`
  std::string note;
  bool partial_units_in_float = false;  // a node quantized on some ports only runs between Dequantize and Quantize
};

struct Target {
  Backend backend;
  Soc soc;
  SdkVersion sdk = kLatestSdk;
  Pipeline pipeline;

  std::string arch_text() const { return soc.arch > 0 ? "V" + std::to_string(soc.arch) : std::string(); }
  /// Why no graph at all runs there (the SoC lacks the hardware, the SDK does not serve it yet); empty
  /// when there is no such reason.
  std::string obstacle() const;
  /// Datatypes that a plain tensor of this storage type may be read as.
  DTypeSet plain_dtypes(DType storage, bool constant = false) const;
  /// Quantize and Dequantize at the border of the graph are ops of the backend.
  bool quantizes_border() const;
  /// Whether that answer rests on an assumption.
  bool assumes(DType storage, bool constant) const;
};

struct TargetOptions {
  std::string backend = "htp";
  std::string soc = "SM8750";  // with or without its letters, any case
  std::string sdk = "latest";
  std::string pipeline;  // empty: by the file's frontend
};

/// The SoCs, backends and pipelines of a database. Immutable; reading is thread safe.
class TargetCatalog {
 public:
  /// What was compiled with the database, or else its documents.
  static Result<TargetCatalog> load(const Database& database);
  Status compile(CompiledWriter& out) const;

  /// Unknown names are kUsage errors that list near matches.
  Result<Target> resolve(const TargetOptions& options, Frontend frontend) const;
  /// The same, without a graph: `options.pipeline` must be empty or name a pipeline.
  Status validate(const TargetOptions& options) const;
  const std::vector<Soc>& socs() const { return socs_; }
  const std::vector<Backend>& backends() const { return backends_; }
  const std::vector<Pipeline>& pipelines() const { return pipelines_; }

 private:
  static Result<TargetCatalog> read(const Database& database);

  std::vector<Soc> socs_;
  std::vector<Backend> backends_;
  std::vector<Pipeline> pipelines_;
};

}  // namespace snapgauge
