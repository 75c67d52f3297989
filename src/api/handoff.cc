#include "api/handoff.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "api/handoff_parts.h"
#include "base/text.h"
#include "base/write.h"
#include "formats/onnx/dequantized.h"

namespace snapgauge {
namespace handoff {
namespace {

namespace fs = std::filesystem;

constexpr VendorBackend kBackends[]{
    {"htp", "HTP", "libQnnHtp.so", "libQnnHtpNetRunExtensions.so", "htp"},
    {"lpai", "LPAI", "libQnnLpai.so", "libQnnLpaiNetRunExtensions.so", ""},
    {"gpu", "GPU", "libQnnGpu.so", "", "gpu"},
};
constexpr VendorBackend kUnknown{};

struct Kind {
  std::string_view name;
  Status (*add)(Handoff&, const HandoffSource&, const OptionSet&);
};
constexpr Kind kKinds[]{{"qairt", add_qairt_files}, {"ort", add_ort_files}};

const Kind* find_kind(std::string_view name) {
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return k.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

std::string path_of(const Handoff& handoff, const HandoffFile& file) {
  return (fs::path(handoff.folder) / file.name).native();
}

std::string one_spelling(const std::string& path) {
  std::error_code error;
  const fs::path out = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path : out.native();
}

Status may_be_folder(const std::string& path) {
  std::error_code error;
  const fs::file_status there = fs::status(path, error);
  if (!fs::exists(there) || fs::is_directory(there)) return Done{};
  return Error{ErrorCode::kUsage, path, "is no folder; name one with --emit"};
}

/// Unless a file is there and has another content, or is no ordinary file.
Status is_free(const std::string& path, std::string_view content) {
  std::error_code error;
  const fs::file_status there = fs::symlink_status(path, error);
  if (!fs::exists(there)) return Done{};
  const Error taken{ErrorCode::kUsage, path, "exists already and is different; name another folder with --emit"};
  if (!fs::is_regular_file(there)) return taken;
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  if (file.value().text() != content) return taken;
  return Done{};
}

}  // namespace

const VendorBackend& vendor_backend(const Target& target) {
  for (const VendorBackend& row : kBackends)
    if (row.backend == target.backend.name) return row;
  return kUnknown;
}

bool reads_half(const Target& target) {
  const auto reads = target.backend.reads_as.find(DType::kFloat32);
  return reads != target.backend.reads_as.end() && (reads->second & dtype_bit(DType::kFloat16)) != 0;
}

HandoffFile text_file(std::string name, std::string content) {
  auto held = std::make_shared<const std::string>(std::move(content));
  const std::string_view view = *held;
  return {std::move(name), view, std::move(held)};
}

HandoffFile json_file(std::string name, const Json& content) {
  return text_file(std::move(name), dumped(content, 2) + "\n");
}

Status add_external_files(Handoff& out, std::string_view model, const HandoffSource& source) {
  auto files = external_files(model, {source.path, source.allowed_folders});
  if (!files) return files.error();
  for (ExternalFile& f : files.value()) {
    const std::string_view content = f.file->text();
    out.files.push_back({std::move(f.location), content, std::move(f.file)});
  }
  return Done{};
}

Json option_json(const OptionSet& options, OptionId id) {
  const OptionRow& row = option_row(id);
  const OptionValue value = options.effective(id).value;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  if (const auto* number = std::get_if<int64_t>(&value); number != nullptr && row.choices.empty()) return *number;
  return printable(option_text(row, value));
}

int64_t vtcm_mb(const OptionSet& options, const Target& target) {
  const int64_t asked = options.integer(OptionId::kVtcmSizeInMb);
  return asked > 0 ? asked : target.soc.vtcm_mb;
}

}  // namespace handoff

bool is_handoff(std::string_view kind) { return handoff::find_kind(kind) != nullptr; }

bool handoff_takes(std::string_view model) {
  const FileFormat* format = FormatRegistry::shipped().find(model);
  return format != nullptr && format->name == "onnx";
}

Result<Handoff> hand_off(const std::string& kind, const std::string& folder, const HandoffSource& source) {
  const handoff::Kind* found = handoff::find_kind(kind);
  if (found == nullptr) return Error{ErrorCode::kUsage, printable(kind), "nothing is handed over to such a tool"};
  if (!handoff_takes(source.file->text()))
    return Error{ErrorCode::kUsage, source.path, fmt::format("--emit {} takes ONNX models only", kind)};
  const auto options = options_of(*source.artifact);
  if (!options) return options.error();
  Handoff out{kind, folder, {}, {}};
  if (auto added = found->add(out, source, options.value()); !added) return added.error();
  return out;
}

Status handoffs_are_free(std::span<const Handoff> handoffs, const std::string& output) {
  std::map<std::string, std::string> seen{{handoff::one_spelling(output), "the artifact"}};
  for (const Handoff& h : handoffs) {
    if (auto folder = handoff::may_be_folder(h.folder); !folder) return folder.error();
    for (const HandoffFile& file : h.files) {
      const std::string path = handoff::path_of(h, file);
      const auto [other, is_new] = seen.emplace(handoff::one_spelling(path), "a file of --emit " + h.kind);
      if (!is_new)
        return Error{ErrorCode::kUsage, path, fmt::format("would be written twice, first as {}", other->second)};
      if (auto free = handoff::is_free(path, file.content); !free) return free.error();
    }
  }
  return Done{};
}

Status write_handoff(const Handoff& handoff) {
  for (const HandoffFile& file : handoff.files) {
    const std::string path = handoff::path_of(handoff, file);
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (error) return Error{ErrorCode::kIo, path, "cannot make its folder: " + error.message()};
    if (auto written = write_file(path, file.content); !written) return written.error();
  }
  return Done{};
}

}  // namespace snapgauge
