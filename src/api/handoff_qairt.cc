// For the vendor's converters: the model in float, its parameters as quantization overrides, the command lines, and
// the backend's configuration for the context binary.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "api/handoff_parts.h"
#include "base/text.h"
#include "formats/encodings/encodings.h"
#include "formats/onnx/dequantized.h"
#include "graph/sharing.h"
#include "snapgauge/version.h"

namespace snapgauge::handoff {
namespace {

constexpr const char* kOverrides = "quantization_overrides.json";
constexpr const char* kExtensions = "backend_extensions.json";
constexpr const char* kConfig = "backend_config.json";

/// Options of ours in the configuration of HTP: in which of its parts, under which name.
struct ConfigRow {
  OptionId option;
  std::string_view part, key;
  enum class As : uint8_t { kIs, kInverted, kNumber } as;
};
constexpr ConfigRow kConfigRows[]{
    {OptionId::kHtpPrecision, "graph", "fp16_relaxed_precision", ConfigRow::As::kNumber},
    {OptionId::kUseFoldRelu, "graph", "fold_relu_activation_into_conv_off", ConfigRow::As::kInverted},
    {OptionId::kUseConvHmx, "graph", "short_depth_conv_on_hmx_off", ConfigRow::As::kInverted},
    {OptionId::kUseDlbc, "graph", "dlbc", ConfigRow::As::kNumber},
    {OptionId::kHtpPdSession, "device", "pd_session", ConfigRow::As::kIs},
    {OptionId::kHtpPerformanceMode, "core", "perf_profile", ConfigRow::As::kIs},
};

Json config_value(const OptionSet& options, const ConfigRow& row) {
  Json value = option_json(options, row.option);
  if (row.as == ConfigRow::As::kIs) return value;
  if (row.as == ConfigRow::As::kInverted) return !value.get<bool>();
  return value.is_boolean() ? Json(value.get<bool>() ? 1 : 0) : Json(options.integer(row.option));
}

void add_rows(Json& out, std::string_view part, const OptionSet& options) {
  for (const ConfigRow& row : kConfigRows)
    if (row.part == part) out[row.key] = config_value(options, row);
}

Json htp_config(const Target& target, const OptionSet& options) {
  constexpr int kQuick = 1, kOptimal = 3;
  Json graph{{"graph_names", {"model"}},
             {"vtcm_mb", vtcm_mb(options, target)},
             {"O", options.truth(OptionId::kOnlinePrepare) ? kQuick : kOptimal}};
  add_rows(graph, "graph", options);
  Json device{{"soc_model", target.soc.id}, {"dsp_arch", fmt::format("v{}", target.soc.arch)}};
  add_rows(device, "device", options);
  Json core{{"core_id", 0}};
  add_rows(core, "core", options);
  device["cores"] = Json::array({std::move(core)});
  return {{"graphs", Json::array({std::move(graph)})}, {"devices", Json::array({std::move(device)})}};
}

Json lpai_config(const Target& target, const OptionSet& options) {
  std::string version = target.soc.lpai;
  std::transform(version.begin(), version.end(), version.begin(), [](char c) { return c == 'V' ? 'v' : c; });
  return {{"lpai_backend",
           {{"target_env", option_json(options, OptionId::kLpaiTargetEnv)}, {"enable_hw_ver", std::move(version)}}}};
}

Json all_options(const HandoffSource& source, const OptionSet& options) {
  Json values = Json::object();
  for (const OptionRow& row : option_rows())
    if (row.belongs_to(options.backend()) && !row.compile_key.empty())
      values[row.compile_key] = option_json(options, row.id);
  return {{"backend", source.artifact->backend}, {"options", std::move(values)}};
}

/// As a shell takes it, whatever is in it.
std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// "tool \" and a line for each of its arguments.
std::string command(std::string_view tool, const std::vector<std::string>& arguments) {
  return fmt::format("{} \\\n  {}\n", tool, fmt::join(arguments, " \\\n  "));
}

/// Of inputs of a known size: "FLAG 'name' 1,3,224,224".
std::vector<std::string> input_shapes(const Graph& graph, std::string_view option) {
  std::vector<std::string> out;
  for (const Node& n : graph.nodes) {
    if (n.kind != NodeKind::kInput || n.outputs.count == 0) continue;
    const Value& v = graph.values[n.outputs.first];
    const auto shape = graph.shape(v);
    if (v.rank <= 0 || std::any_of(shape.begin(), shape.end(), [](int64_t d) { return d < 0; })) continue;
    out.push_back(fmt::format("{} {} {}", option, shell_word(graph.text(v.name)), fmt::join(shape, ",")));
  }
  return out;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

std::string context_command(const Target& target, const OptionSet& options, const std::vector<std::string>& model) {
  const VendorBackend& vendor = vendor_backend(target);
  const std::string library = options.text(OptionId::kLibraryPath);
  std::vector<std::string> arguments{"--backend " +
                                     (library.empty() ? std::string(vendor.library) : shell_word(library))};
  append(arguments, model);
  if (!vendor.extensions.empty()) arguments.push_back(fmt::format("--config_file {}", kExtensions));
  append(arguments, {"--binary_file model", "--output_dir ."});
  return command("qnn-context-binary-generator", arguments);
}

/// For tensors that the overrides do not name: the widths that all others have.
std::vector<std::string> widths(const Graph& graph) {
  const CommonWidths common = common_widths(graph);
  std::vector<std::string> out;
  if (common.activations > 0) out.push_back(fmt::format("--act_bitwidth {}", common.activations));
  if (common.parameters > 0) out.push_back(fmt::format("--weights_bitwidth {}", common.parameters));
  if (!out.empty()) out.emplace_back("--bias_bitwidth 32");
  return out;
}

std::string with_qairt(const HandoffSource& source, const OptionSet& options, bool quantized) {
  const Target& target = *source.target;
  std::vector<std::string> convert{fmt::format("--input_network {}", kModelName)};
  if (quantized) convert.push_back(fmt::format("--quantization_overrides {}", kOverrides));
  append(convert, input_shapes(*source.graph, "--source_model_input_shape"));
  if (!quantized && reads_half(target)) convert.emplace_back("--float_bitwidth 16");
  convert.push_back(fmt::format("--target_backend {}", vendor_backend(target).converter));
  convert.push_back(fmt::format("--target_soc_model {}", target.soc.name));
  convert.emplace_back("--output_path model.dlc");
  std::string out = command("qairt-converter", convert);
  if (quantized) {
    std::vector<std::string> quantize{"--input_dlc model.dlc", "--float_fallback"};
    append(quantize, widths(*source.graph));
    quantize.emplace_back("--output_dlc model.quantized.dlc");
    out += command("qairt-quantizer", quantize);
  }
  const char* dlc = quantized ? "--dlc_path model.quantized.dlc" : "--dlc_path model.dlc";
  return out + context_command(target, options, {"--model libQnnModelDlc.so", dlc});
}

std::string with_older_tools(const HandoffSource& source, const OptionSet& options, bool quantized) {
  std::vector<std::string> convert{fmt::format("--input_network {}", kModelName)};
  if (quantized) append(convert, {fmt::format("--quantization_overrides {}", kOverrides), "--float_fallback"});
  append(convert, input_shapes(*source.graph, "--input_dim"));
  if (quantized) append(convert, widths(*source.graph));
  convert.emplace_back("--output_path model.cpp");
  return command("qnn-onnx-converter", convert) +
         command("qnn-model-lib-generator", {"-c model.cpp", "-b model.bin", "-t x86_64-linux-clang", "-o ."}) +
         context_command(*source.target, options, {"--model x86_64-linux-clang/libmodel.so"});
}

/// Names cannot leave the line of a comment.
std::string comment(std::string_view text) { return "# " + printable(text) + "\n"; }

std::string commands(const HandoffSource& source, const OptionSet& options, bool quantized,
                     const std::vector<std::string>& left_out) {
  const Artifact& a = *source.artifact;
  std::string out =
      comment(fmt::format("Made by snapgauge {} for {} on {}{}, SDK {}, {}. Run in this folder.", kVersion, a.backend,
                          a.soc, a.arch.empty() ? "" : " (" + a.arch + ")", a.sdk, a.mode));
  for (const std::string& tensor : left_out) out += comment("no overrides for: " + tensor);
  out += "\n" + with_qairt(source, options, quantized);
  out += "\n# The same with the tools before qairt-converter\n" + with_older_tools(source, options, quantized);
  return out;
}

/// Edges whose reader has other parameters than the tensor: an override is the tensor's.
std::vector<std::string> converted_edges(const Graph& graph) {
  const Sharing sharing(graph);
  std::set<std::string> out;
  for (uint32_t u = 0; u < graph.uses.size(); ++u) {
    const Use& use = graph.uses[u];
    if (!use.value.valid() || graph.node(use.node).kind == NodeKind::kFolded) continue;
    const Spec* edge = sharing.spec(sharing.place(UseId{u}));
    const Spec* tensor = sharing.spec(sharing.place(use.value));
    if (edge == nullptr || tensor == nullptr || edge->scales.empty()) continue;
    if (edge->scales == tensor->scales && edge->zero_points == tensor->zero_points && edge->storage == tensor->storage)
      continue;
    out.insert(fmt::format("{} as {} reads it", graph.text(graph.value(use.value).name), graph.name(use.node)));
  }
  return {out.begin(), out.end()};
}

void add_config(Handoff& out, const Target& target, const OptionSet& options) {
  const VendorBackend& vendor = vendor_backend(target);
  if (vendor.extensions.empty()) return;
  const bool lpai = options.backend() == OptionBackend::kLpai;
  out.files.push_back(json_file(kConfig, lpai ? lpai_config(target, options) : htp_config(target, options)));
  out.files.push_back(
      json_file(kExtensions,
                {{"backend_extensions", {{"shared_library_path", vendor.extensions}, {"config_file_path", kConfig}}}}));
}

}  // namespace

Status add_qairt_files(Handoff& out, const HandoffSource& source, const OptionSet& options) {
  auto made = float_model(source.file->text(), source.path, ExternalData{source.path, source.allowed_folders});
  if (!made) return made.error();
  EncodingsText overrides = qairt_overrides(*source.graph, made->renamed);
  out.left_out = std::move(overrides.left_out);
  append(out.left_out, converted_edges(*source.graph));
  const bool quantized = !overrides.empty;
  HandoffFile model = text_file(kModelName, std::move(made->model));
  if (auto added = add_external_files(out, model.content, source); !added) return added.error();
  out.files.insert(out.files.begin(), std::move(model));
  if (quantized) out.files.push_back(text_file(kOverrides, std::move(overrides.text)));
  out.files.push_back(text_file("command.txt", commands(source, options, quantized, out.left_out)));
  add_config(out, *source.target, options);
  out.files.push_back(json_file("options.json", all_options(source, options)));
  out.files.push_back(text_file("partition.json", source.partition));
  return Done{};
}

}  // namespace snapgauge::handoff
