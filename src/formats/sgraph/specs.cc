#include "formats/sgraph/specs.h"

#include <fmt/format.h>

#include "base/text.h"

namespace snapgauge {
namespace {

struct SpecMembers {
  enum Index : size_t {
    kKind,
    kDType,
    kQuantMin,
    kQuantMax,
    kQScheme,
    kAxis,
    kDynamic,
    kScale,
    kZeroPoint,
    kBlock,
    kObserver,
  };
  static constexpr std::array<JsonWord, 11> kNames{
      "kind",       "dtype", "quant_min",  "quant_max",  "qscheme",  "ch_axis",
      "is_dynamic", "scale", "zero_point", "block_size", "observer",
  };
};

struct ObserverMembers {
  enum Index : size_t { kClass, kKwargs };
  static constexpr std::array<JsonWord, 2> kNames{"class", "kwargs"};
};

/// Of a derived spec, beside those of a spec.
struct SourceMembers {
  enum Index : size_t { kFrom };
  static constexpr std::array<JsonWord, 1> kNames{"from"};
};

/// What an observer's constructor was given.
struct BoundMembers {
  enum Index : size_t { kScale, kZeroPoint, kBlock, kEps };
  static constexpr std::array<JsonWord, 4> kNames{"scale", "zero_point", "block_size", "eps"};
};

}  // namespace

void AnnotatedSpecs::read_table(JsonValue table) {
  if (table.missing()) return;
  if (!table.is_array()) fail(table, "\"specs\" must be a list");
  for (const JsonValue spec : table.elements()) specs_.push_back(builder_.add_spec(read_spec(spec)));
  if (sites_ == nullptr) return;
  for (const JsonValue spec : table.elements()) sites_->specs.push_back(spec);
  sites_->references.resize(specs_.size());
}

DType AnnotatedSpecs::dtype(JsonValue at, std::string_view name) {
  if (name == last_dtype_.first) return last_dtype_.second;
  const auto type = dtype_from_framework(name);
  if (!type) fail(at, fmt::format("\"{}\" is no datatype", printable(name)));
  last_dtype_ = {name, *type};
  return *type;
}

Spec AnnotatedSpecs::read_spec(JsonValue v) {
  if (!v.is_object()) fail(v, "a quantization spec must be an object");
  const JsonFields<SpecMembers> members(v);
  Spec spec;
  spec.storage = dtype(members[SpecMembers::kDType], need_text(members, SpecMembers::kDType));
  spec.qmin = optional_int(members, SpecMembers::kQuantMin);
  spec.qmax = optional_int(members, SpecMembers::kQuantMax);
  spec.axis = optional_int(members, SpecMembers::kAxis);
  spec.dynamic = optional_bool(members, SpecMembers::kDynamic, false);
  if (const std::string_view name = optional_text(members, SpecMembers::kQScheme, ""); !name.empty()) {
    const auto known = scheme_from_name(name);
    if (!known) fail(members[SpecMembers::kQScheme], fmt::format("\"{}\" is no quantization scheme", printable(name)));
    spec.scheme = *known;
  }
  read_block(members[SpecMembers::kBlock], spec);
  read_parameters(members[SpecMembers::kScale], members[SpecMembers::kZeroPoint], spec);
  const std::string_view kind = optional_text(members, SpecMembers::kKind, "spec");
  if (kind != "spec" && kind != "fixed")
    fail(members[SpecMembers::kKind], fmt::format("\"{}\" is no kind of spec", printable(kind)));
  spec.fixed = kind == "fixed";
  read_observer(optional_member(members, SpecMembers::kObserver, JsonValue::Type::kObject), spec);
  return spec;
}

void AnnotatedSpecs::read_observer(JsonValue observer, Spec& spec) const {
  if (!observer.is_object()) return;
  const JsonFields<ObserverMembers> members(observer);
  spec.observer = std::string(optional_text(members, ObserverMembers::kClass, ""));
  const JsonFields<BoundMembers> bound(optional_member(members, ObserverMembers::kKwargs, JsonValue::Type::kObject));
  read_block(bound[BoundMembers::kBlock], spec);
  spec.eps = bound[BoundMembers::kEps].real().value_or(0);
  const JsonValue scale = bound[BoundMembers::kScale], zero_point = bound[BoundMembers::kZeroPoint];
  if (scale.missing() && zero_point.missing()) return;
  // Fixed parameters are bound to the observer's constructor.
  read_parameters(scale, zero_point, spec);
  spec.fixed = true;
}

void AnnotatedSpecs::read_block(JsonValue v, Spec& spec) const {
  if (v.missing() || v.is_null()) return;
  if (const auto one = v.integer()) {
    spec.block = {*one};
  } else {
    if (!v.is_array() || v.size() > kMostDimensions) fail(v, "\"block_size\" must be an integer or a short list");
    spec.block.clear();
    for (const JsonValue size : v.elements()) spec.block.push_back(need_int(size, "block_size"));
  }
  spec.two_level = true;  // annotations ask for blocks only where the lowering expands them
}

void AnnotatedSpecs::read_parameters(JsonValue scale, JsonValue zero_point, Spec& spec) const {
  if (!scale.missing() && !scale.is_null()) {
    spec.scales.clear();
    if (scale.is_array() && scale.size() == 0) fail(scale, "\"scale\" is an empty list");
    if (!scale.is_array()) spec.scales.push_back(need_real(scale, "scale"));
    for (const JsonValue s : scale.elements()) spec.scales.push_back(need_real(s, "scale"));
  }
  if (!zero_point.missing() && !zero_point.is_null()) {
    spec.zero_points.clear();
    if (zero_point.is_array() && zero_point.size() == 0) fail(zero_point, "\"zero_point\" is an empty list");
    if (!zero_point.is_array()) spec.zero_points.push_back(need_int(zero_point, "zero_point"));
    for (const JsonValue z : zero_point.elements()) spec.zero_points.push_back(need_int(z, "zero_point"));
  }
}

/// REF of the format: null, an index into "specs", a spec, {"shared": ..} or {"derived": ..}.
SpecRef AnnotatedSpecs::ref(JsonValue v) {
  if (v.missing() || v.is_null()) return {};
  if (const auto index = v.integer()) {
    if (*index < 0 || static_cast<uint64_t>(*index) >= specs_.size())
      fail(v, fmt::format("spec {} is not in the table of {} specs", *index, specs_.size()));
    if (sites_ != nullptr) ++sites_->references[static_cast<size_t>(*index)];
    return specs_[static_cast<size_t>(*index)];
  }
  if (!v.is_object()) fail(v, "a spec reference must be null, an index or an object");
  if (const JsonValue shared = v["shared"]; !shared.missing()) return read_place(shared);
  if (const JsonValue derived = v["derived"]; !derived.missing()) return read_derived(derived);
  return spec(v, v.text());
}

SpecRef AnnotatedSpecs::spec(JsonValue v, std::string_view words) {
  const Symbol symbol = words_.add(words);
  if (symbol.index < read_.size()) return builder_.add_spec(read_[symbol.index]);
  const SpecRef ref = builder_.add_spec(read_spec(v));
  read_.push_back(SpecId{ref.index});
  return ref;
}

/// A node's output ("name") or an input edge ["from", "to"].
SpecRef AnnotatedSpecs::read_place(JsonValue v) {
  if (const auto node = v.string()) return builder_.shared_node(*node);
  if (const auto edge = v.pair(); edge && edge->first.is_string() && edge->second.is_string())
    return builder_.shared_edge(*edge->first.string(), *edge->second.string());
  fail(v, "a place must be a node's name or a pair of names");
}

SpecRef AnnotatedSpecs::read_derived(JsonValue v) {
  const JsonValue from = need(JsonFields<SourceMembers>(v), SourceMembers::kFrom, JsonValue::Type::kArray);
  sources_.clear();
  for (const JsonValue place : from.elements()) sources_.push_back(read_place(place));
  std::string_view words = v.text();
  // The sources differ from one to the next, what follows them seldom.
  if (v.members().begin().has_key("from"))
    words.remove_prefix(static_cast<size_t>(from.text().data() + from.text().size() - words.data()));
  return builder_.add_derived(sources_, SpecId{spec(v, words).index});
}

}  // namespace snapgauge
