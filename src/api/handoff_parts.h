// Within api: what the hand-offs have in common.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/handoff.h"
#include "report/json_parts.h"

namespace snapgauge::handoff {

inline constexpr const char* kModelName = "model.onnx";

/// A backend as the vendor's tools call it. Empty: the tool does not have it.
struct VendorBackend {
  std::string_view backend;
  std::string_view converter;   // --target_backend
  std::string_view library;     // --backend
  std::string_view extensions;  // the library that reads the backend's configuration
  std::string_view provider;    // backend_type
};
const VendorBackend& vendor_backend(const Target& target);
/// The gate judges float tensors of this backend as half precision.
bool reads_half(const Target& target);

HandoffFile text_file(std::string name, std::string content);
HandoffFile json_file(std::string name, const Json& content);
/// The files beside a model that its tensors lie in.
Status add_external_files(Handoff& out, std::string_view model, const HandoffSource& source);

/// What holds at compile time, as JSON has it: truth, number, or text. Of an enum its name.
Json option_json(const OptionSet& options, OptionId id);
/// MB of VTCM: those that were asked for, or all.
int64_t vtcm_mb(const OptionSet& options, const Target& target);

Status add_qairt_files(Handoff& out, const HandoffSource& source, const OptionSet& options);
Status add_ort_files(Handoff& out, const HandoffSource& source, const OptionSet& options);

}  // namespace snapgauge::handoff
