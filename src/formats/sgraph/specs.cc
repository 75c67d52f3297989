#include "formats/sgraph/specs.h"

#include <fmt/format.h>

#include "base/text.h"

namespace snapgauge {

void AnnotatedSpecs::read_table(const JsonValue& table) {
  if (table.missing()) return;
  if (!table.is_array()) fail(table, "\"specs\" must be a list");
  for (uint32_t i = 0; i < table.size(); ++i) specs_.push_back(builder_.add_spec(read_spec(table.at(i))));
  if (sites_ == nullptr) return;
  for (uint32_t i = 0; i < table.size(); ++i) sites_->specs.push_back(table.at(i));
  sites_->references.resize(table.size());
}

DType AnnotatedSpecs::dtype(const JsonValue& at, std::string_view name) const {
  if (const auto type = dtype_from_framework(name)) return *type;
  fail(at, fmt::format("\"{}\" is no datatype", printable(name)));
}

Spec AnnotatedSpecs::read_spec(const JsonValue& v) const {
  if (!v.is_object()) fail(v, "a quantization spec must be an object");
  Spec spec;
  spec.storage = dtype(v["dtype"], need_text(v, "dtype"));
  spec.qmin = optional_int(v, "quant_min");
  spec.qmax = optional_int(v, "quant_max");
  spec.axis = optional_int(v, "ch_axis");
  spec.dynamic = optional_bool(v, "is_dynamic", false);
  if (const std::string_view name = optional_text(v, "qscheme", ""); !name.empty()) {
    const auto known = scheme_from_name(name);
    if (!known) fail(v["qscheme"], fmt::format("\"{}\" is no quantization scheme", printable(name)));
    spec.scheme = *known;
  }
  read_block(v["block_size"], spec);
  read_parameters(v, spec);
  const std::string_view kind = optional_text(v, "kind", "spec");
  if (kind != "spec" && kind != "fixed") fail(v["kind"], fmt::format("\"{}\" is no kind of spec", printable(kind)));
  spec.fixed = kind == "fixed";
  read_observer(optional_member(v, "observer", JsonValue::Type::kObject), spec);
  return spec;
}

void AnnotatedSpecs::read_observer(const JsonValue& observer, Spec& spec) const {
  if (!observer.is_object()) return;
  spec.observer = std::string(optional_text(observer, "class", ""));
  const JsonValue kwargs = optional_member(observer, "kwargs", JsonValue::Type::kObject);
  read_block(kwargs["block_size"], spec);
  if (kwargs["scale"].missing() && kwargs["zero_point"].missing()) return;
  // Fixed parameters are bound to the observer's constructor.
  read_parameters(kwargs, spec);
  spec.fixed = true;
}

void AnnotatedSpecs::read_block(const JsonValue& v, Spec& spec) const {
  if (v.missing() || v.is_null()) return;
  if (const auto one = v.integer()) {
    spec.block = {*one};
  } else {
    if (!v.is_array() || v.size() > kMostDimensions) fail(v, "\"block_size\" must be an integer or a short list");
    spec.block.clear();
    for (uint32_t i = 0; i < v.size(); ++i) spec.block.push_back(need_int(v.at(i), "block_size"));
  }
  spec.two_level = true;  // annotations ask for blocks only where the lowering expands them
}

void AnnotatedSpecs::read_parameters(const JsonValue& v, Spec& spec) const {
  if (const JsonValue s = v["scale"]; !s.missing() && !s.is_null()) {
    spec.scales.clear();
    if (s.is_array())
      for (uint32_t i = 0; i < s.size(); ++i) spec.scales.push_back(need_real(s.at(i), "scale"));
    else
      spec.scales.push_back(need_real(s, "scale"));
  }
  if (const JsonValue z = v["zero_point"]; !z.missing() && !z.is_null()) {
    spec.zero_points.clear();
    if (z.is_array())
      for (uint32_t i = 0; i < z.size(); ++i) spec.zero_points.push_back(need_int(z.at(i), "zero_point"));
    else
      spec.zero_points.push_back(need_int(z, "zero_point"));
  }
}

/// REF of the format: null, an index into "specs", a spec, {"shared": ..} or {"derived": ..}.
SpecRef AnnotatedSpecs::ref(const JsonValue& v) {
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
  return builder_.add_spec(read_spec(v));
}

/// A node's output ("name") or an input edge ["from", "to"].
SpecRef AnnotatedSpecs::read_place(const JsonValue& v) {
  if (const auto node = v.string()) return builder_.shared_node(*node);
  if (v.is_array() && v.size() == 2 && v.at(0).is_string() && v.at(1).is_string())
    return builder_.shared_edge(*v.at(0).string(), *v.at(1).string());
  fail(v, "a place must be a node's name or a pair of names");
}

SpecRef AnnotatedSpecs::read_derived(const JsonValue& v) {
  std::vector<SpecRef> sources;
  const JsonValue from = need(v, "from", JsonValue::Type::kArray);
  for (uint32_t i = 0; i < from.size(); ++i) sources.push_back(read_place(from.at(i)));
  return builder_.add_derived(sources, read_spec(v));
}

}  // namespace snapgauge
