// The verbs of the command line: each takes its parsed options, writes to `out`, and returns the exit
// code. Errors of our own go to `err` as one line.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/opinfo_diff.h"
#include "api/session.h"
#include "config/find.h"
#include "options/options.h"

namespace snapgauge::cli {

struct Terminal {
  bool colour = false;
  bool interactive = false;  // standard output is one
  int width = 100;
};

struct CheckArguments {
  std::vector<std::string> files;
  std::vector<std::string> allowed_folders;  // where external data may really lie, beside the model's folder
  TargetOptions target;
  TableOptions tables;
  bool warn = false;
  bool verbose = false;
  std::string format = "text";
  std::string output;  // empty: standard output
  std::vector<std::string> select, extend_select, ignore;
  std::string config;  // empty: the nearest to each file
  bool isolated = false;
  std::string baseline, diff_against;  // empty: none
  bool write_baseline = false;
  std::set<std::string> given;  // options that stand on the command line; they overrule a configuration
};

struct FixArguments {
  CheckArguments check;  // what is judged, and how
  bool unsafe = false;   // also fixes that may change values
  bool diff = false;     // show what would change, write nothing
  std::string output;    // empty: in place, or FILE.fixed.onnx
  std::string format = "text";
};

struct OpInfoArguments {
  TableOptions tables;
  TargetOptions target;
  enum class Verb { kList, kShow, kCoverage } verb = Verb::kList;
  std::string op;
};

struct DecodeArguments {
  std::string log = "-";                     // file, or "-" for standard input
  std::string line;                          // instead of a log
  std::string model;                         // empty: none
  std::vector<std::string> allowed_folders;  // for it, as in CheckArguments
  TargetOptions target;
  TableOptions tables;
  std::string format = "text";
};

struct OpInfoDiffArguments {
  TableOptions tables;
  OpInfoDiffOptions options;
  std::string format = "text";
};

struct RunArguments {
  CheckArguments check;             // how the gate judges its one file, the model
  std::vector<std::string> inputs;  // "NAME=FILE.npy"
  std::string input_list;           // a file of several sets of them; empty: none
  uint64_t threads = 1;             // that take the sets
  std::string output_dir;           // empty: nothing is written
  std::string layer_dir;            // for every step's result; empty: nothing is written
  std::optional<uint64_t> seed;     // random inputs
  std::string golden;               // a file to compare with; empty: none
  bool show_plan = false;
  bool profile = false;              // how long each step took
  std::string trace;                 // the same for a trace viewer, a file; empty: none
  uint64_t runs = 20;                // of `bench`
  std::string graph;                 // of an artifact; empty: its only one
  std::string key;                   // that must have signed it, a file; empty: none
  std::vector<OptionText> options;   // of the run; likewise of an artifact
  std::optional<double> throughput;  // see ArtifactRun
  std::optional<uint64_t> drawn;     // seed of constants that the model leaves out
  std::string format = "text";
};

struct AnnotateArguments {
  CheckArguments check;            // how the gate judges its one file, the model
  std::vector<std::string> quant;  // quant configs, the first that fits; none: as the recipe says
  std::string granularity;         // of weights; likewise
  int64_t block = 0;               // elements per scale; 0: likewise
  bool symmetric = false;
  std::string recipe;  // a file; empty: that of the configuration
  std::string output;  // empty: beside the model
  bool explain = false;
  std::string format = "text";
};

struct QuantizeArguments {
  AnnotateArguments annotate;
  std::vector<std::string> samples;  // see Samples::open
  std::string observer = "min-max", weight_observer = "min-max";
  double percentile = 99.99;
  uint64_t threads = 1;
  std::string state;  // of an interrupted calibration; empty: it is not kept
  // Files beside the model, not written when they are empty: the graph with its numbers, AIMET's encodings, the
  // converters' quantization overrides, the accuracy over depth.
  std::string sgraph, aimet, overrides, plot;
  bool accuracy = false, sensitivity = false;
  double target_db = 0;  // of the worst output; 0: none
};

struct AccuracyArguments {
  CheckArguments check;              // of two files: the model in float and a quantized one
  std::vector<std::string> samples;  // see Samples::open
  std::string plot;                  // empty: not written
  bool sensitivity = false, all = false;
  std::string format = "text";
};

struct LowerArguments {
  CheckArguments check;              // how the gate judges its files, "NAME=FILE" or FILE; `output`: the artifact
  bool border_fallback = false;      // see LowerRequest
  std::vector<OptionText> options;   // of compile time
  std::optional<uint64_t> drawn;     // seed of constants that a file leaves out
  std::vector<std::string> samples;  // for specs without numbers
  std::vector<std::pair<std::string, std::string>> emit;  // hand-offs: to which tools, the folder
  std::string format = "text";
};

struct ArtifactArguments {
  std::string path;
  std::string part;     // of `inspect`: "graph" or "plan"; empty: what it holds
  std::string key;      // a file; empty: none
  std::string new_key;  // of `sign`: keys to make, instead
  std::string output;   // of `sign`; empty: in place
  std::string format = "text";
};

/// Filters of `rules list`; an empty one keeps every rule.
struct RulesArguments {
  std::vector<std::string> prefixes;  // of codes
  std::string kind;
  std::string backend;
  bool json = false;
};

int run_check(const CheckArguments& arguments, const Terminal& terminal);
/// 0 when no file has an error left, else 1; with `diff`, 1 when something would change.
int run_fix(const FixArguments& arguments, const Terminal& terminal);
/// Of what `check FILE` would use; `arguments.files` may be empty.
int run_config_show(const CheckArguments& arguments);
/// Of one file. 0 when some target takes the graph whole, else 1.
int run_matrix(const CheckArguments& arguments);
/// The graph as the target's backend would be handed it. 0, or 2 when it cannot be read.
int run_show(const CheckArguments& arguments);
/// 0 when it ran, with a golden file when all is within bounds; 1 when not, or when the gate refuses the model.
int run_run(const RunArguments& arguments, const Terminal& terminal);
/// 0 when what came out passes the check, or with `warn`; else 1, and nothing is written.
int run_annotate(const AnnotateArguments& arguments, const Terminal& terminal);
/// 0 when what came out passes the check, or with `warn`; 1 when the gate refuses the specs or the result, and nothing
/// is written; 130 when it was interrupted.
int run_quantize(const QuantizeArguments& arguments, const Terminal& terminal);
/// How far a quantized model is from its float model; 0 whatever it is.
int run_accuracy(const AccuracyArguments& arguments, const Terminal& terminal);
/// How long runs take; 0, or 1 when the gate refuses the model.
int run_bench(const RunArguments& arguments, const Terminal& terminal);
/// 0 when all graphs are lowered, 1 when one is refused, and nothing is written.
int run_lower(const LowerArguments& arguments);
int run_inspect(const ArtifactArguments& arguments);
int run_sign(const ArtifactArguments& arguments);
/// 0, or 2 when it is damaged, not signed, or by somebody else.
int run_verify(const ArtifactArguments& arguments);
int run_decode(const DecodeArguments& arguments, const Terminal& terminal);
int run_opinfo(const OpInfoArguments& arguments);
/// 0 whatever differs: it answers a question and gates nothing.
int run_opinfo_diff(const OpInfoDiffArguments& arguments, const Terminal& terminal);
int run_explain(const std::string& code);
int run_rules_list(const RulesArguments& arguments);

/// Says on standard error that a configuration is not used, why, and how to use it.
void tell_unused(const FoundConfig& config);
/// Prints "snapgauge: <message>" to standard error and returns 2.
int fail(const Error& error);
/// The same for what the command line does not have; mentions --help.
int fail_usage(const std::string& why);
/// An error when the output would replace what the run reads.
Status output_is_free(const CheckArguments& arguments);
/// Standard output, or a file written in one piece.
int deliver(const std::string& text, const std::string& path);

}  // namespace snapgauge::cli
