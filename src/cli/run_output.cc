#include "cli/run_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "base/write.h"

namespace snapgauge::cli {
namespace {

/// A name as a file's: nothing leads out of the folder, and file systems take it.
std::string file_name(std::string name) {
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == '/' || c == '\\' || c == ':') c = '_';
  if (name.empty() || name[0] == '.') name.insert(0, "_");
  constexpr size_t kLongest = 200;
  if (name.size() > kLongest) {
    size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;  // within a character
    name.resize(end);
  }
  return name;
}

Status make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{ErrorCode::kIo, folder, "cannot make the folder: " + error.message()};
  return Done{};
}

/// [0, 3, 2] of element 17.
std::string place_text(uint64_t element, const std::vector<int64_t>& dims) {
  std::vector<uint64_t> at(dims.size());
  for (size_t d = dims.size(); d-- > 0;) {
    const auto size = static_cast<uint64_t>(std::max<int64_t>(1, dims[d]));
    at[d] = element % size;
    element /= size;
  }
  return fmt::format("[{}]", fmt::join(at, ", "));
}

const char* unit_of(const Layer& layer) { return layer.in_steps ? "steps" : "of the largest"; }

/// JSON has no infinity.
Json number_json(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

}  // namespace

Status write_outputs(std::vector<NamedTensor>& outputs, const std::string& folder) {
  if (auto made = make_folder(folder); !made) return made.error();
  std::set<std::string> used;
  for (NamedTensor& t : outputs) {
    std::string name = file_name(t.name) + ".npy";
    while (!used.insert(name).second) name.insert(0, "_");
    t.file = (std::filesystem::path(folder) / name).native();
    if (auto written = write_file(t.file, npy_text(t.dtype, t.dims, t.bytes())); !written) return written.error();
  }
  return Done{};
}

std::string comparison_text(const std::vector<OutputComparison>& all) {
  std::string out = fmt::format("{:<24} {:>10} {:>10} {:>12} {:>10}  {}\n", "output", "elements", "differing",
                                "largest", "rms steps", "bound");
  for (const OutputComparison& c : all)
    out += fmt::format("{:<24} {:>10} {:>10} {:>12.6g} {:>10.4g}  {}: {}\n", printable(c.name), c.elements, c.differing,
                       c.largest, c.rms_steps, c.bound, c.within ? "within" : "NOT WITHIN");
  return out;
}

Json comparison_json(const std::vector<OutputComparison>& all) {
  Json out = Json::array();
  for (const OutputComparison& c : all)
    out.push_back({{"name", c.name},
                   {"elements", c.elements},
                   {"differing", c.differing},
                   {"largest_difference", c.largest},
                   {"step", c.step},
                   {"rms_steps", c.rms_steps},
                   {"largest_expected", c.largest_expected},
                   {"bound", c.bound},
                   {"within", c.within}});
  return out;
}

std::string outputs_text(const std::vector<NamedTensor>& outputs) {
  std::string out;
  for (const NamedTensor& t : outputs)
    out += fmt::format("{} {}{}\n", printable(t.name), tensor_text(t.dtype, t.dims),
                       t.file.empty() ? "" : " -> " + printable(t.file));
  return out;
}

Json outputs_json(const std::vector<NamedTensor>& outputs) {
  Json out = Json::array();
  for (const NamedTensor& t : outputs) {
    const std::string type = tensor_text(t.dtype, {});
    out.push_back({{"name", t.name}, {"dtype", type.substr(0, type.find(' '))}, {"shape", t.dims}});
    if (!t.file.empty()) out.back()["file"] = t.file;
  }
  return out;
}

Result<LayerFiles> LayerFiles::in(const std::string& folder) {
  if (auto made = make_folder(folder); !made) return made.error();
  return LayerFiles(folder);
}

Status LayerFiles::write(size_t step, const Buffer& result, std::span<const std::byte> bytes) {
  const std::string name = fmt::format("{:04}.{}.npy", step, file_name(result.name));
  const std::string path = (std::filesystem::path(folder_) / name).native();
  if (auto written = write_file(path, npy_text(result.dtype, result.dims, bytes)); !written) return written.error();
  Json row{{"step", step}, {"tensor", result.name}, {"file", name}};
  if (!result.quant.empty()) {
    row["scale"] = result.quant.scales;
    row["zero_point"] = result.quant.zero_points;
    if (result.quant.axis >= 0) row["axis"] = result.quant.axis;
  }
  index_.push_back(std::move(row));
  return Done{};
}

Status LayerFiles::finish(const std::vector<Layer>& layers) const {
  Json all = layers_json(layers);
  for (size_t i = 0; i < all.size() && i < index_.size(); ++i) all[i].update(index_[i]);
  const std::string text = dumped(Json{{"schema", "snapgauge-layers/1"}, {"layers", std::move(all)}}) + "\n";
  auto written = write_file((std::filesystem::path(folder_) / "index.json").native(), text);
  if (!written) return written.error();
  return Done{};
}

std::string layers_text(const std::vector<Layer>& layers, const Plan& plan) {
  std::string out = fmt::format("{:>5}  {:<22} {:>10} {:>9} {:>12}  {}\n", "step", "kind", "elements", "SQNR dB",
                                "largest", "tensor");
  for (const Layer& l : layers)
    out += fmt::format("{:>5}  {:<22} {:>10} {:>9} {:>12}  {}\n", l.step, l.kind, l.elements,
                       std::isinf(l.sqnr_db) && l.sqnr_db > 0 ? "equal" : fmt::format("{:.1f}", l.sqnr_db),
                       l.in_steps ? fmt::format("{:.3g} steps", l.largest) : fmt::format("{:.2g}", l.largest),
                       printable(l.tensor));
  const auto first = std::find_if(layers.begin(), layers.end(), [](const Layer& l) { return !l.within(); });
  if (first == layers.end()) return out + "every value is within its bound\n";
  return out +
         fmt::format(
             "first beyond its bound: step {}, {} for {}, {} at {}: {:.9g}, exactly {:.9g}; {} of {} elements are "
             "more than {:g} {} off, the furthest {:.3g}\n",
             first->step, first->kind, printable(first->node), printable(first->tensor),
             place_text(first->first, plan.buffer(plan.steps[first->step].output).dims), first->got, first->exact,
             first->beyond, first->elements, first->bound, unit_of(*first), first->largest);
}

Json layers_json(const std::vector<Layer>& layers) {
  Json out = Json::array();
  for (const Layer& l : layers)
    out.push_back({{"step", l.step},
                   {"node", l.node},
                   {"tensor", l.tensor},
                   {"kind", l.kind},
                   {"elements", l.elements},
                   {"unit", l.in_steps ? "steps" : "largest"},
                   {"largest_difference", number_json(l.largest)},
                   {"bound", l.bound},
                   {"beyond", l.beyond},
                   {"sqnr_db", number_json(l.sqnr_db)},
                   {"within", l.within()}});
  return out;
}

}  // namespace snapgauge::cli
