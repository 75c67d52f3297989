#include "targets/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string digits(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0) ++i;
  return lower(text.substr(i));
}

std::map<DType, DTypeSet> casts_of(const Json& row, const char* key) {
  std::map<DType, DTypeSet> out;
  if (!row.contains(key)) return out;
  for (const auto& [from, to] : row[key].items()) {
    const auto source = dtype_from_name(from);
    if (!source) throw std::invalid_argument("datatype " + from);
    for (const Json& name : to.is_array() ? to : Json::array({to}))
      if (const auto type = dtype_from_name(name.get<std::string>())) out[*source] |= dtype_bit(*type);
  }
  return out;
}

void known_keys(const Json& row, std::initializer_list<std::string_view> keys) {
  for (const auto& [key, value] : row.items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      throw std::invalid_argument("key '" + key + "' is not known");
}

Soc soc_of(const Json& row) {
  known_keys(row, {"arch", "id", "lpai_hw", "marketing", "soc", "vtcm_mb"});
  Soc soc;
  soc.name = row.at("soc").get<std::string>();
  soc.id = row.at("id").get<int>();
  soc.vtcm_mb = row.value("vtcm_mb", 0);
  const std::string arch = row.at("arch").get<std::string>();
  std::from_chars(arch.data() + 1, arch.data() + arch.size(), soc.arch);
  if (row.contains("lpai_hw") && row["lpai_hw"].is_string()) soc.lpai = row["lpai_hw"].get<std::string>();
  if (row.contains("marketing") && row["marketing"].is_string()) soc.marketing = row["marketing"].get<std::string>();
  return soc;
}

Backend backend_of(const Json& row) {
  known_keys(row, {"fixed_point_only", "float_only", "full_delegation", "min_sdk", "name", "needs", "note", "reads_as",
                   "source", "title"});
  Backend b;
  b.name = row.at("name").get<std::string>();
  b.title = row.value("title", b.name);
  for (const Json& need : row.contains("needs") ? row["needs"] : Json::array()) {
    b.has_arch = b.has_arch || need == "htp_arch";
    b.needs_lpai = b.needs_lpai || need == "lpai_hw";
  }
  b.float_first = row.value("float_only", false);
  b.fixed_point_only = row.value("fixed_point_only", false);
  for (const auto& [hardware, version] : row.value("min_sdk", std::map<std::string, std::string>()))
    b.min_sdk[hardware] = parse_sdk_version(version).value_or(kLatestSdk);
  b.full_delegation = row.value("full_delegation", false);
  b.reads_as = casts_of(row, "reads_as");
  return b;
}

Json row_list(const Json& row, const char* key) { return row.contains(key) ? row[key] : Json::array(); }

Pipeline pipeline_of(const std::string& name, const Json& row) {
  Pipeline p;
  p.name = name;
  p.frontends = row.at("frontends").get<std::vector<std::string>>();
  p.casts = casts_of(row, "storage_casts");
  p.constant_casts = casts_of(row, "constant_casts");
  p.drops_empty = row.value("drops_empty", false);
  p.partial_units_in_float = row.value("partial_units", "") == "float";
  p.results_take_readers = row.value("results_take_readers", false);
  p.free_sizes = row.value("free_sizes", "");
  p.border_inside = row.value("border_inside", std::vector<std::string>());
  p.assumed_casts = row.value("source", "") == "assumption";
  p.note = row.value("note", "");
  known_keys(row, {"title", "frontends", "storage_casts", "constant_casts", "drops_empty", "partial_units",
                   "results_take_readers", "border_inside", "free_sizes", "port_casts", "repairs", "note", "source"});
  for (const Json& cast : row_list(row, "port_casts")) {
    known_keys(cast, {"ops", "backends", "port", "from", "to", "symmetric", "per_axis", "when", "note"});
    PortCast out;
    out.ops = cast.at("ops").get<std::vector<std::string>>();
    out.backends = cast.at("backends").get<std::vector<std::string>>();
    out.port = parse_port(cast.at("port").get<std::string>());
    out.from = dtype_from_name(cast.at("from").get<std::string>()).value_or(DType::kUndefined);
    out.to = dtype_from_name(cast.at("to").get<std::string>()).value_or(DType::kUndefined);
    out.symmetric = cast.value("symmetric", false);
    out.per_axis = cast.value("per_axis", false);
    if (cast.contains("when")) {
      auto when = compile_condition(cast["when"].dump(), "pipeline " + name);
      if (!when) throw std::invalid_argument(when.error().text);
      out.when = std::move(*when);
    }
    p.port_casts.push_back(std::move(out));
  }
  for (const Json& repair : row_list(row, "repairs")) {
    known_keys(repair, {"rules", "ops", "backends", "port", "static", "change", "cost"});
    Repair out;
    out.rules = repair.at("rules").get<std::vector<std::string>>();
    out.ops = repair.at("ops").get<std::vector<std::string>>();
    out.backends = repair.value("backends", std::vector<std::string>());
    out.port = parse_port(repair.at("port").get<std::string>());
    out.only_static = repair.value("static", false);
    out.change = repair.at("change").get<std::string>();
    out.cost = repair.at("cost").get<std::string>();
    p.repairs.push_back(std::move(out));
  }
  return p;
}

template <class T>
Error unknown_name(std::string_view what, const std::string& name, const std::vector<T>& known) {
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const T& k : known) names.push_back(k.name);
  std::sort(names.begin(), names.end());
  const auto near = near_matches(name, names);
  const std::string hint =
      near.empty() ? fmt::format("known: {}", fmt::join(names, ", ")) : fmt::format("did you mean {}?", join_or(near));
  return {ErrorCode::kUsage, "", fmt::format("{} '{}' is not known; {}", what, printable(name), hint)};
}

template <class T>
const T* by_name(const std::vector<T>& rows, const std::string& name) {
  for (const T& row : rows)
    if (lower(row.name) == lower(name)) return &row;
  return nullptr;
}

const Soc* find_soc(const std::vector<Soc>& socs, const std::string& name) {
  if (const Soc* exact = by_name(socs, name)) return exact;
  const Soc* found = nullptr;
  for (const Soc& soc : socs) {
    if (digits(soc.name) != lower(name)) continue;
    if (found != nullptr) return nullptr;  // two families share the number: the letters are needed
    found = &soc;
  }
  return found;
}

}  // namespace

std::string Target::obstacle() const {
  if (!backend.needs_lpai) return {};
  if (soc.lpai.empty()) return fmt::format("the SoC has no {} hardware", backend.title);
  if (const auto least = backend.min_sdk.find(soc.lpai); least != backend.min_sdk.end() && sdk < least->second)
    return fmt::format("{} {} needs SDK {}", backend.title, soc.lpai, least->second.text());
  return {};
}

bool Target::quantizes_border() const {
  const auto& inside = pipeline.border_inside;
  return std::find(inside.begin(), inside.end(), backend.name) != inside.end();
}

bool Target::assumes(DType storage, bool constant) const {
  return pipeline.assumed_casts &&
         (pipeline.casts.contains(storage) || (constant && pipeline.constant_casts.contains(storage)));
}

DTypeSet Target::plain_dtypes(DType storage, bool constant) const {
  DTypeSet set = dtype_bit(storage);
  if (const auto it = pipeline.casts.find(storage); it != pipeline.casts.end()) set = it->second;
  if (const auto it = pipeline.constant_casts.find(storage); constant && it != pipeline.constant_casts.end())
    set = it->second;
  for (const auto& [from, to] : backend.reads_as)
    if (contains(set, from)) set |= to;
  return set;
}

Result<TargetCatalog> TargetCatalog::read(const Database& database) {
  TargetCatalog catalog;
  for (const char* name : {"soc-table", "backends", "pipelines"}) {
    const auto text = database.document(name);
    if (!text) return text.error();
    try {
      const Json document = Json::parse(text.value());
      if (name[0] == 's')
        for (const Json& row : document.at("rows")) catalog.socs_.push_back(soc_of(row));
      if (name[0] == 'b')
        for (const Json& row : document.at("backends")) catalog.backends_.push_back(backend_of(row));
      if (name[0] == 'p')
        for (const auto& [key, row] : document.at("pipelines").items())
          catalog.pipelines_.push_back(pipeline_of(key, row));
    } catch (const std::exception& e) {
      return Error{ErrorCode::kParse, fmt::format("database document {}", name), e.what()};
    }
  }
  return catalog;
}

Result<Target> TargetCatalog::resolve(const TargetOptions& options, Frontend frontend) const {
  Target target;
  const Backend* backend = by_name(backends_, options.backend);
  if (backend == nullptr) return unknown_name("backend", options.backend, backends_);
  target.backend = *backend;
  const Soc* soc = find_soc(socs_, options.soc);
  if (soc == nullptr) return unknown_name("SoC", options.soc, socs_);
  target.soc = *soc;
  const auto sdk = parse_sdk_version(options.sdk);
  if (!sdk)
    return Error{ErrorCode::kUsage, "",
                 fmt::format("SDK version '{}' is neither 'latest' nor like 2.25.0", printable(options.sdk))};
  target.sdk = *sdk;
  const std::string_view side = row_of(frontend).name;
  for (const Pipeline& p : pipelines_) {
    const bool serves = std::find(p.frontends.begin(), p.frontends.end(), side) != p.frontends.end();
    if (options.pipeline.empty() ? serves : p.name == options.pipeline) {
      target.pipeline = p;
      return target;
    }
  }
  return unknown_name("pipeline", options.pipeline, pipelines_);
}

Status TargetCatalog::validate(const TargetOptions& options) const {
  auto target = resolve(options, kDefaultFrontend);
  if (!target) return target.error();
  return Done{};
}

}  // namespace snapgauge
