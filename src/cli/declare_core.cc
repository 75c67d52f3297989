// Verbs behind the gate: quantize, lower, run.
#include <fmt/format.h>

#include <optional>

#include "cli/declare.h"

namespace snapgauge::cli {
namespace {

/// How nodes get their specs, and what judges them.
void add_annotation(CLI::App& verb, AnnotateArguments& own, Arguments& a) {
  verb.add_option("model", own.check.files, "model in float")->required()->expected(1);
  verb.add_option("--quant", own.quant,
                  "quant config, such as 8a8w; of several, the first that a node takes (default: 8a8w)")
      ->type_name("NAMES")
      ->delimiter(',')
      ->expected(1);
  verb.add_option("--recipe", own.recipe, "what is quantized how, by operator and name: docs/quantizing.md")
      ->type_name("FILE");
  verb.add_option("--granularity", own.granularity, "of weights: per-tensor, per-channel or per-block")
      ->check(CLI::IsMember({"per-tensor", "per-channel", "per-block"}));
  verb.add_option("--block", own.block, "elements per scale, along the input channels")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30U));
  verb.add_flag("--symmetric", own.symmetric, "symmetric activations");
  verb.add_flag("--explain-quant", own.explain, "say of every node what it got and which line decided it");
  add_target(verb, own.check.target, own.check.tables);
  auto* strict = verb.add_flag("--strict", a.strict, "write nothing unless the result is accepted (default)");
  verb.add_flag("--warn", own.check.warn, "write the result whatever the check says, exit 0")->excludes(strict);
  add_allowed(verb, own.check.allowed_folders);
  add_config(verb, own.check);
  add_text_or_json(verb, own.format);
  add_colour(verb, a.colour);
}

void add_samples(CLI::App& verb, std::vector<std::string>& samples) {
  verb.add_option("--calib", samples,
                  "samples of the inputs: .npy, .npz, .raw, a .txt with a line each, a folder, or random:N")
      ->type_name("SOURCE")
      ->required()
      ->expected(1)
      ->take_all();
}

/// A flag for each row; the target has its own.
void add_backend_options(CLI::App& verb, OptionPhase phase, std::vector<OptionText>& options) {
  for (const OptionRow& row : option_rows()) {
    const std::string key(row.key(phase));
    if (key.empty() || row.id == OptionId::kSocModel) continue;
    const auto take = [&options, key](const std::string& text) { options.push_back({key, text}); };
    verb.add_option_function<std::string>("--" + std::string(row.flag), take,
                                          fmt::format("{} ({})", row.doc, option_range(row)))
        ->type_name("VALUE")
        ->group("Options of backends");
  }
}

void add_drawn(CLI::App& verb, std::optional<uint64_t>& seed) {
  verb.add_option("--random-constants", seed, "draw the weights that a file leaves out, from a seed")
      ->type_name("SEED");
}

/// What `run` and `bench` take of an artifact.
void add_artifact(CLI::App& verb, RunArguments& own) {
  add_drawn(verb, own.drawn);
  add_backend_options(verb, OptionPhase::kRun, own.options);
  verb.add_option("--lpai-throughput", own.throughput, "multiplications per second at the base clock, for the budget")
      ->check(CLI::PositiveNumber)
      ->type_name("NUMBER");
  verb.add_option("--graph", own.graph, "of an artifact that has several")->type_name("NAME");
  verb.add_option("--require-signature", own.key, "public key that must have signed the artifact")->type_name("FILE");
}

}  // namespace

void declare_run(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("run", "Run a model that passes the check, or an artifact, on this machine");
  verb.add_option("model", a.run.check.files, "model or artifact")->required()->expected(1);
  auto* inputs = verb.add_option("--input", a.run.inputs, "a NumPy file for an input; of several, NAME=FILE")
                     ->type_name("FILE")
                     ->expected(1)
                     ->take_all();
  auto* random = verb.add_option("--random", a.run.seed, "random inputs from a seed")->type_name("SEED");
  auto* golden =
      verb.add_option("--compare", a.run.golden, "inputs and expected outputs: *.golden.json")->type_name("FILE");
  auto* plan = verb.add_flag("--plan", a.run.show_plan, "show what would be executed, and stop");
  verb.add_flag("--profile", a.run.profile, "show where the time went, by kind of step and by node")
      ->excludes(golden, plan);
  auto* trace = verb.add_option("--trace", a.run.trace, "file for the time of each step, for a trace viewer")
                    ->type_name("FILE")
                    ->excludes(golden, plan);
  verb.add_option("--output-dir", a.run.output_dir, "folder to write each output to, as NumPy files")
      ->type_name("DIR")
      ->excludes(golden, plan);
  auto* list = verb.add_option("--inputs", a.run.input_list, "a file of sets of inputs, a line each: NAME=FILE ...")
                   ->type_name("LIST")
                   ->excludes(inputs, random, golden, plan, trace);
  verb.add_option("--threads", a.run.threads, "sets of inputs that run at once")
      ->check(CLI::Range(1, 1024))
      ->needs(list)
      ->capture_default_str();
  verb.add_option("--dump-intermediates", a.run.layer_dir,
                  "folder for the result of every step; shows how far each is from the exact one")
      ->type_name("DIR")
      ->excludes(list, plan, trace);
  random->excludes(inputs, golden);
  golden->excludes(inputs);
  add_artifact(verb, a.run);
  add_text_or_json(verb, a.run.format);
  add_target(verb, a.run.check.target, a.run.check.tables);
  add_allowed(verb, a.run.check.allowed_folders);
  add_config(verb, a.run.check);
  add_colour(verb, a.colour);
  verb.callback([&] {
    a.run.check.given = options_given(verb);
    action = [&] { return run_run(a.run, a.terminal()); };
  });
}

void declare_bench(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("bench", "How long a model or an artifact takes to load and to run here");
  verb.add_option("model", a.run.check.files, "model or artifact")->required()->expected(1);
  add_artifact(verb, a.run);
  verb.add_option("--runs", a.run.runs, "runs to measure")->check(CLI::Range(1, 1000000))->capture_default_str();
  verb.add_option("--random", a.run.seed, "random inputs from a seed")->type_name("SEED");
  add_target(verb, a.run.check.target, a.run.check.tables);
  add_allowed(verb, a.run.check.allowed_folders);
  add_config(verb, a.run.check);
  add_text_or_json(verb, a.run.format);
  add_colour(verb, a.colour);
  verb.callback([&] {
    a.run.check.given = options_given(verb);
    action = [&] { return run_bench(a.run, a.terminal()); };
  });
}

void declare_annotate(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("annotate", "Give a float model the quantization specs that its target takes");
  add_annotation(verb, a.annotate, a);
  verb.add_option("-o,--output", a.annotate.output, "annotation file to write (default: NAME.annotated.sgraph.json)")
      ->type_name("FILE");
  verb.callback([&] {
    a.annotate.check.given = options_given(verb);
    action = [&] { return run_annotate(a.annotate, a.terminal()); };
  });
}

void declare_accuracy(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("accuracy", "Measure a quantized model against its float model, layer by layer");
  AccuracyArguments& own = a.accuracy;
  verb.add_option("models", own.check.files, "the model in float, then the quantized one")->required()->expected(2);
  add_samples(verb, own.samples);
  verb.add_flag("--sensitivity", own.sensitivity, "rank layers by what their error does to the outputs");
  verb.add_flag("--all", own.all, "every layer, not the worst alone");
  verb.add_option("--plot", own.plot, "picture of it over depth to write, SVG")->type_name("FILE");
  add_target(verb, own.check.target, own.check.tables);
  add_allowed(verb, own.check.allowed_folders);
  add_text_or_json(verb, own.format);
  add_colour(verb, a.colour);
  verb.callback([&] { action = [&] { return run_accuracy(own, a.terminal()); }; });
}

void declare_quantize(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("quantize", "Calibrate a float model and write it in integers for its target");
  QuantizeArguments& own = a.quantize;
  add_annotation(verb, own.annotate, a);
  add_samples(verb, own.samples);
  verb.add_option("--observer", own.observer, "of activations: min-max, moving-average, percentile or mse")
      ->check(CLI::IsMember({"min-max", "moving-average", "percentile", "mse"}))
      ->capture_default_str();
  verb.add_option("--percentile", own.percentile, "share of the numbers that the percentile observer keeps")
      ->check(CLI::Range(50.0, 100.0))
      ->capture_default_str();
  verb.add_option("--weight-observer", own.weight_observer, "of weights: min-max or line-search")
      ->check(CLI::IsMember({"min-max", "line-search"}))
      ->capture_default_str();
  verb.add_option("--threads", own.threads, "that run samples side by side")
      ->check(CLI::Range(uint64_t{1}, uint64_t{256}))
      ->capture_default_str();
  auto* state = verb.add_option("--state", own.state, "keep what was seen there when interrupted, and go on from it");
  state->type_name("FILE");
  verb.add_option("-o,--output", own.annotate.output, "ONNX model to write (default: NAME.quantized.onnx)")
      ->type_name("FILE");
  verb.add_option("--sgraph", own.sgraph, "write the graph with its numbers as an annotation file, too")
      ->type_name("FILE");
  verb.add_option("--aimet", own.aimet, "write AIMET 1.0 encodings for the float model, too")->type_name("FILE");
  verb.add_option("--overrides", own.overrides, "write --quantization_overrides of the vendor's converters, too")
      ->type_name("FILE");
  verb.add_flag("--accuracy", own.accuracy, "measure every layer against float");
  verb.add_option("--plot", own.plot, "the same as a picture, SVG")->type_name("FILE");
  verb.add_flag("--sensitivity", own.sensitivity, "rank layers by what their error does to the outputs");
  verb.add_option("--target-sqnr", own.target_db, "widen layers until the worst output has so many dB")
      ->check(CLI::Range(1.0, 200.0))
      ->excludes(state);
  verb.callback([&] {
    own.annotate.check.given = options_given(verb);
    action = [&] { return run_quantize(own, a.terminal()); };
  });
}

void declare_lower(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("lower", "Make an artifact of graphs that pass the check, for their backend");
  LowerArguments& own = a.lower;
  verb.add_option("models", own.check.files, "a model, or several graphs that share weights: FILE or NAME=FILE")
      ->required();
  verb.add_option("-o,--output", own.check.output, "artifact to write (default: NAME.sgb)")->type_name("FILE");
  auto* strict = verb.add_flag("--strict", a.strict, "only graphs that the backend takes whole (default)");
  verb.add_flag("--warn", own.check.warn, "lower what the backend takes, the rest falls back to the CPU")
      ->excludes(strict);
  verb.add_flag("--lpai-border-fallback", own.border_fallback,
                "of a backend that takes graphs whole: what has no weights may fall back to the CPU");
  add_drawn(verb, own.drawn);
  verb.add_option("--calib", own.samples, "samples for quantization specs that have no scales yet; as of quantize")
      ->type_name("SOURCE")
      ->expected(1)
      ->take_all();
  verb.add_option("--emit", own.emit, "hand an ONNX model over as well: qairt or ort, and the folder to write")
      ->type_name("TOOL DIR")
      ->expected(1)
      ->take_all();
  add_target(verb, own.check.target, own.check.tables);
  add_allowed(verb, own.check.allowed_folders);
  add_config(verb, own.check);
  add_text_or_json(verb, own.format);
  add_backend_options(verb, OptionPhase::kCompile, own.options);
  verb.callback([&] {
    own.check.given = options_given(verb);
    action = [&] { return run_lower(own); };
  });
}

void declare_artifacts(CLI::App& app, Arguments& a, Action& action) {
  ArtifactArguments& own = a.artifact;
  CLI::App& inspect = *app.add_subcommand("inspect", "What an artifact holds");
  inspect.add_option("artifact", own.path, "artifact")->required();
  inspect.add_option("--show", own.part, "the graph or the plan as text instead")
      ->check(CLI::IsMember({"graph", "plan"}));
  inspect.add_option("--require-signature", own.key, "public key that must have signed it")->type_name("FILE");
  add_text_or_json(inspect, own.format);
  inspect.callback([&] { action = [&] { return run_inspect(own); }; });

  CLI::App& sign = *app.add_subcommand("sign", "Sign an artifact, or make keys");
  auto* path = sign.add_option("artifact", own.path, "artifact");
  auto* key = sign.add_option("--key", own.key, "secret key")->type_name("FILE");
  sign.add_option("-o,--output", own.output, "file to write (default: in place)")->type_name("FILE")->needs(path);
  auto* made = sign.add_option("--new-key", own.new_key, "make keys: NAME.key and NAME.pub")->type_name("NAME");
  made->excludes(path, key);
  path->needs(key);
  key->needs(path);
  sign.callback([&, path, made] {
    if (path->count() == 0 && made->count() == 0) throw CLI::RequiredError("an artifact and --key, or --new-key");
    action = [&] { return run_sign(own); };
  });

  CLI::App& verify = *app.add_subcommand("verify", "Whether an artifact is whole, and whose it is");
  verify.add_option("artifact", own.path, "artifact")->required();
  verify.add_option("--key", own.key, "public key of who must have signed it")->required()->type_name("FILE");
  verify.callback([&] { action = [&] { return run_verify(own); }; });
}

}  // namespace snapgauge::cli
