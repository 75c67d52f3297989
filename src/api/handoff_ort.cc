// For ONNX Runtime's QNN execution provider: the model as it is, the provider's options, the session's entries.
#include "api/handoff_parts.h"
#include "base/text.h"

namespace snapgauge::handoff {
namespace {

/// Options of ours that the provider has under a name of its own; of HTP alone, or of every backend.
struct ProviderRow {
  OptionId option;
  std::string_view key;
  bool htp_only;
};
constexpr ProviderRow kProviderRows[]{
    {OptionId::kHtpPerformanceMode, "htp_performance_mode", true},
    {OptionId::kSharedBuffer, "enable_htp_shared_memory_allocator", true},
    {OptionId::kProfileLevel, "profiling_level", false},
};

// The most optimal graph, as for a context that is prepared ahead of time, and a quick one.
constexpr const char* kAheadOfTime = "3";
constexpr const char* kWhereItRuns = "1";

/// The provider takes texts only.
std::string text_of(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string flag(bool on) { return on ? "1" : "0"; }

Json provider_options(const HandoffSource& source, const OptionSet& options, bool strict) {
  const Target& target = *source.target;
  const bool htp = options.backend() == OptionBackend::kHtp;
  Json out = Json::object();
  if (const std::string library = options.text(OptionId::kLibraryPath); !library.empty())
    out["backend_path"] = printable(library);
  else
    out["backend_type"] = vendor_backend(target).provider;
  if (htp) {
    out["soc_model"] = std::to_string(target.soc.id);
    out["htp_arch"] = std::to_string(target.soc.arch);
    out["vtcm_mb"] = std::to_string(vtcm_mb(options, target));
    out["htp_graph_finalization_optimization_mode"] =
        options.truth(OptionId::kOnlinePrepare) ? kWhereItRuns : kAheadOfTime;
    out["enable_htp_fp16_precision"] = flag(reads_half(target) || options.integer(OptionId::kHtpPrecision) != 0);
  }
  for (const ProviderRow& row : kProviderRows)
    if (htp || !row.htp_only) out[row.key] = text_of(option_json(options, row.option));
  // Where nothing may fall back to the CPU, Quantize and Dequantize at the border may not be there either.
  out["offload_graph_io_quantization"] = flag(!strict && !target.quantizes_border());
  return out;
}

Json session_config(const OptionSet& options, bool strict) {
  Json out{{"session.disable_cpu_ep_fallback", flag(strict)}};
  const bool ahead = options.backend() == OptionBackend::kHtp && !options.truth(OptionId::kOnlinePrepare);
  out["ep.context_enable"] = flag(ahead);
  if (!ahead) return out;
  out["ep.context_embed_mode"] = "0";
  out["ep.context_file_path"] = "model_ctx.onnx";
  return out;
}

}  // namespace

Status add_ort_files(Handoff& out, const HandoffSource& source, const OptionSet& options) {
  if (vendor_backend(*source.target).provider.empty())
    return Error{ErrorCode::kUsage, source.target->backend.name, "ONNX Runtime's QNN provider has no such backend"};
  const bool strict = source.artifact->mode == "strict";
  out.files.push_back({kModelName, source.file->text(), source.file});
  if (auto added = add_external_files(out, source.file->text(), source); !added) return added.error();
  out.files.push_back(json_file("provider_options.json", provider_options(source, options, strict)));
  out.files.push_back(json_file("session_config.json", session_config(options, strict)));
  return Done{};
}

}  // namespace snapgauge::handoff
