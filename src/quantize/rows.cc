// Annotation rows read from the database's documents.
#include "quantize/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPrefix = "annotate-";

constexpr std::array<std::pair<Style, std::string_view>, 25> kStyles{{
    {Style::kUnary, "unary"},
    {Style::kSingleIn, "single_in"},
    {Style::kBinary, "binary"},
    {Style::kAllFloatArgs, "all_float_args"},
    {Style::kShareOrInherit, "share_or_inherit"},
    {Style::kConv, "conv"},
    {Style::kLinear, "linear"},
    {Style::kMatmul, "matmul"},
    {Style::kConcat, "concat"},
    {Style::kStack, "stack"},
    {Style::kSplit, "split"},
    {Style::kUnbind, "unbind"},
    {Style::kSortTopk, "sort_topk"},
    {Style::kGetitem, "getitem"},
    {Style::kConstant, "constant"},
    {Style::kBatchNorm, "batch_norm"},
    {Style::kGroupNorm, "group_norm"},
    {Style::kLayerNorm, "layer_norm"},
    {Style::kRmsNorm, "rms_norm"},
    {Style::kEmbedding, "embedding"},
    {Style::kWriteValue, "write_value"},
    {Style::kScatter, "scatter"},
    {Style::kSliceScatter, "slice_scatter"},
    {Style::kFixedUnitInterval, "fixed_unit_interval"},
    {Style::kTanhFixed16, "tanh_fixed16"},
}};

AnnotationRow read_row(const Json& row) {
  AnnotationRow out;
  for (const auto& [key, value] : row.items()) {
    if (key == "style") {
      const auto style = style_named(value.get<std::string>());
      if (!style) throw std::invalid_argument("no style: " + value.dump());
      out.style = *style;
    } else if (key == "weight") {
      out.weight = value.get<int>();
    } else if (key == "bias") {
      out.bias = value.get<int>();
    } else if (key == "derived_bias") {
      out.derived_bias = value.get<bool>();
    } else if (key == "value") {
      out.value = value.get<int>();
    } else if (key == "channel_axis") {
      out.channel_axis = value.get<int64_t>();
    } else if (key == "transposed_by") {
      out.transposed_by = value.get<std::string>();
    } else if (key == "factors") {
      out.factors = value.get<std::vector<std::string>>();
    } else if (key == "transposed_arg") {
      out.transposed_arg = value.get<int>();
    } else if (key == "mean") {
      out.mean = value.get<int>();
    } else if (key == "variance") {
      out.variance = value.get<int>();
    } else if (key == "epsilon_by") {
      out.epsilon_by = value.get<std::string>();
    } else if (key == "training_arg") {
      out.training_arg = value.get<int>();
    } else if (key == "epsilon_arg") {
      out.epsilon_arg = value.get<int>();
    } else if (key == "weight_as_activation") {
      out.weight_as_activation = value.get<bool>();
    } else if (key == "static_weight") {
      out.static_weight.push_back(read_row(value));
    } else if (key != "note") {
      throw std::invalid_argument("unknown key " + key);
    }
  }
  if (!row.contains("style")) throw std::invalid_argument("a row without style");
  return out;
}

LiftRow read_lift(const Json& row) {
  LiftRow out;
  for (const auto& [key, value] : row.items()) {
    if (key == "to")
      out.to = value.get<std::string>();
    else if (key == "operands")
      out.operands = value.get<std::vector<int>>();
    else if (key == "missing")
      for (const auto& [position, number] : value.items())
        out.missing.emplace_back(std::stoi(position), number.get<double>());
    else if (key == "names")
      for (const auto& [name, position] : value.items()) out.names.emplace_back(name, position.get<int>());
    else if (key == "keywords")
      for (const auto& [position, name] : value.items())
        out.keywords.emplace_back(std::stoi(position), name.get<std::string>());
    else if (key == "swap")
      out.swap = value.get<bool>();
    else
      throw std::invalid_argument("unknown key " + key);
  }
  return out;
}

/// What `read` makes of each member of an object, with its name in what is thrown.
template <class Read>
void each(const Json& file, std::string_view section, const std::string& frontend, const Read& read) {
  const auto rows = file.find(section);
  if (rows == file.end() || !rows->contains(frontend)) return;
  for (const auto& [op, row] : (*rows)[frontend].items()) {
    try {
      read(op, row);
    } catch (const std::exception& error) {
      throw std::invalid_argument(op + ": " + error.what());
    }
  }
}

}  // namespace

std::string_view style_name(Style style) { return kStyles[static_cast<size_t>(style)].second; }

std::optional<Style> style_named(std::string_view name) {
  for (const auto& [style, word] : kStyles)
    if (word == name) return style;
  return std::nullopt;
}

Result<std::vector<std::string>> annotating_backends(const Database& database) {
  auto names = database.documents();
  if (!names) return names.error();
  std::vector<std::string> out;
  for (const std::string& name : *names)
    if (name.starts_with(kPrefix)) out.push_back(name.substr(kPrefix.size()));
  return out;
}

Result<AnnotationRows> AnnotationRows::load(const Database& database, const std::string& backend, Frontend frontend) {
  const auto known = annotating_backends(database);
  if (!known) return known.error();
  if (std::find(known.value().begin(), known.value().end(), backend) == known.value().end())
    return Error{ErrorCode::kUsage, backend,
                 fmt::format("nothing is annotated for this backend: it has no rows, as {} have",
                             fmt::join(known.value(), " and "))};
  const std::string name = std::string(kPrefix) + backend;
  const auto text = database.document(name);
  if (!text) return text.error();
  AnnotationRows out;
  try {
    const Json file = Json::parse(text.value());
    const std::string of(row_of(frontend).name);
    each(file, "annotate", of, [&](const std::string& op, const Json& row) { out.rows_.emplace(op, read_row(row)); });
    each(file, "lift", of, [&](const std::string& op, const Json& row) { out.lifts_.emplace(op, read_lift(row)); });
    each(file, "decompose", of, [&](const std::string& op, const Json& row) {
      Json own = row;
      const auto keywords = own.find("keywords");
      out.written_out_.emplace(
          op, keywords == own.end() ? std::vector<std::string>() : keywords->get<std::vector<std::string>>());
      own.erase("keywords");
      if (!own.empty()) out.decompositions_.emplace_back(op, own.dump());
    });
  } catch (const std::exception& error) {
    return Error{ErrorCode::kParse, name, printable(error.what())};
  }
  return out;
}

std::vector<std::string> AnnotationRows::ops() const {
  std::vector<std::string> out;
  out.reserve(rows_.size());
  for (const auto& [op, row] : rows_) out.push_back(op);
  std::sort(out.begin(), out.end());
  return out;
}

const std::vector<std::string>* AnnotationRows::written_out(std::string_view op) const {
  const auto it = written_out_.find(std::string(op));
  return it == written_out_.end() ? nullptr : &it->second;
}

const LiftRow* AnnotationRows::lift(std::string_view op) const {
  const auto it = lifts_.find(std::string(op));
  return it == lifts_.end() ? nullptr : &it->second;
}

const AnnotationRow* AnnotationRows::find(std::string_view op) const {
  const auto it = rows_.find(std::string(op));
  return it == rows_.end() ? nullptr : &it->second;
}

}  // namespace snapgauge
