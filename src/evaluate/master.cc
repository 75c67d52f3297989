#include "evaluate/master.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace snapgauge {
namespace {

using Json = nlohmann::json;

void read_default(const Json& v, MasterParam& param) {
  if (v.is_number()) {
    param.fallback = {ParamValue::State::kKnown, {v.get<double>()}, {}, false};
  } else if (v.is_array()) {
    std::vector<double> numbers;
    for (const Json& row : v.flatten()) {
      if (!row.is_number()) return;
      numbers.push_back(row.get<double>());
    }
    param.fallback = {ParamValue::State::kKnown, std::move(numbers), {}, true};
  } else if (v.is_object() && v.contains("expr")) {
    param.expression = parse_expression(v["expr"].get<std::string>());
  }
}

bool is_name(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; }) &&
         std::isalpha(static_cast<unsigned char>(text[0])) != 0;
}

/// A name that stood before relates two dimensions; an expression computes one. Ranges such as D_0 .. D_K and
/// what the language cannot say relate nothing.
void add_fact(const PortRef& port, int index, const std::string& text, MasterInfo& info) {
  if (port.first != port.last || text.find("D_") == 0) return;
  DimFact fact{port, index, text, {}, {}};
  if (is_name(text)) {
    for (const auto& [known, where] : info.dims)
      if (known == text) {
        fact.same = where;
        info.dim_facts.push_back(std::move(fact));
        return;
      }
  } else if (text.find_first_of("/*") != std::string::npos) {
    if (auto size = parse_expression(text)) {
      fact.size = std::move(*size);
      info.dim_facts.push_back(std::move(fact));
    }
  }
}

void read_dims(const MasterPort& port, MasterInfo& info) {
  const Json body = Json::parse(port.body);
  if (!body.contains("shape") || !body["shape"].is_object() || !body["shape"].contains("dims")) return;
  const Json& dims = body["shape"]["dims"];
  // After "..." positions count from the end.
  bool open = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!dims[i].is_string()) continue;
    const std::string name = dims[i].get<std::string>();
    if (name == "...") {
      open = true;
      continue;
    }
    const int index = open ? static_cast<int>(i) - static_cast<int>(dims.size()) : static_cast<int>(i);
    add_fact(parse_port(port.name), index, name, info);
    info.dims.emplace_back(name, std::pair(parse_port(port.name), index));
  }
}

void read_shape(const MasterPort& port, MasterInfo& info) {
  const PortRef ref = parse_port(port.name);
  if (port.mandatory) info.mandatory.push_back(ref);
  const Json body = Json::parse(port.body);
  if (!body.contains("shape") || !body["shape"].is_object()) return;
  const Json& shape = body["shape"];
  // Rank 0 is a tensor of one element in the vendor's own terms.
  if (shape.contains("rank") && shape["rank"].is_number() && shape["rank"].get<int>() > 0 && ref.first == ref.last)
    info.ranks.emplace_back(ref, shape["rank"].get<int>());
}

}  // namespace

std::string_view MasterParam::enumerator(double number) const {
  for (const auto& [text, value] : values)
    if (value == number) return text;
  return {};
}

const MasterParam* MasterInfo::param(std::string_view name) const {
  for (const MasterParam& p : params)
    if (p.name == name) return &p;
  return nullptr;
}

std::optional<int> MasterInfo::channel_axis(PortRef::Side side, size_t index) const {
  for (const auto& [name, where] : dims)  // "m": of linear weights, which are [out, in]
    if (where.first.covers(side, index) && (name == "channel_out" || name == "m")) return where.second;
  return std::nullopt;
}

Result<MasterInfo> compile_master(const MasterOp& op) {
  MasterInfo info;
  try {
    for (const MasterPort& row : op.params) {
      MasterParam param;
      param.name = row.name;
      param.mandatory = row.mandatory;
      const Json body = Json::parse(row.body);
      if (body.contains("values") && body["values"].is_object())
        for (const auto& [name, number] : body["values"].items()) param.values.emplace_back(name, number.get<double>());
      if (body.contains("default")) read_default(body["default"], param);
      if (param.fallback.numbers.size() == 1 && !param.values.empty())
        param.fallback.name = std::string(param.enumerator(param.fallback.numbers[0]));
      info.params.push_back(std::move(param));
    }
    for (const auto& [ports, side] : {std::pair(&op.inputs, 0), std::pair(&op.outputs, 1)})
      for (const MasterPort& port : *ports) {
        read_dims(port, info);
        read_shape(port, info);
      }
  } catch (const std::exception& e) {
    return Error{ErrorCode::kParse, "master op " + op.name, e.what()};
  }
  return info;
}

Result<std::unordered_map<std::string, std::vector<ConstraintRow>>> definition_rows(const Database& database) {
  auto text = database.document("shapes");
  if (!text) return text.error();
  std::unordered_map<std::string, std::vector<ConstraintRow>> out;
  try {
    const Json document = Json::parse(*text);
    for (const Json& row : document.at("rows")) {
      ConstraintRow c;
      c.port = row.at("port").get<std::string>();
      c.kind = row.at("kind").get<std::string>();
      c.source = {row.at("source").get<std::string>(), ""};
      Json body = row;
      for (const char* key : {"ops", "port", "kind", "source"}) body.erase(key);
      c.body = body.dump();
      for (const Json& op : row.at("ops")) out[op.get<std::string>()].push_back(c);
    }
  } catch (const std::exception& e) {
    return Error{ErrorCode::kParse, "database document shapes", e.what()};
  }
  return out;
}

}  // namespace snapgauge
