#include "backend/opmap_codec.h"

#include <algorithm>
#include <tuple>

#include "base/codec.h"
#include "evaluate/master_fields.h"

namespace snapgauge {

constexpr ParamSource::Transform last_of(ParamSource::Transform) { return ParamSource::Transform::kEinsum; }
constexpr ParamSource::Derive last_of(ParamSource::Derive) { return ParamSource::Derive::kHalf; }
constexpr PortLayout::Kind last_of(PortLayout::Kind) { return PortLayout::Kind::kFlattenAt; }
constexpr PartArg::Kind last_of(PartArg::Kind) { return PartArg::Kind::kList; }
constexpr OpMapping::Kind last_of(OpMapping::Kind) { return OpMapping::Kind::kRefused; }

static auto fields(InputSource& i) {
  auto& [index, name, element, variadic, optional, made] = i;
  return std::tie(index, name, element, variadic, optional, made);
}

static auto fields(ParamSource& s) {
  auto& [arg, key, input, literal, fallback, fallback_source, operands, otherwise, at, derive, enumerators, transform] =
      s;
  return std::tie(arg, key, input, literal, fallback, fallback_source, operands, otherwise, at, derive, enumerators,
                  transform);
}

static auto fields(PortLayout& l) {
  auto& [port, kind, permutation, axis] = l;
  return std::tie(port, kind, permutation, axis);
}

static auto fields(PartArg& a) {
  auto& [kind, operand, text, literal, source, list] = a;
  return std::tie(kind, operand, text, literal, source, list);
}

static auto fields(Part& p) {
  auto& [op, args, attrs, out] = p;
  return std::tie(op, args, attrs, out);
}

static auto fields(PartTensor::Dim& d) {
  auto& [all_but, drop, size] = d;
  return std::tie(all_but, drop, size);
}

static auto fields(PartTensor& t) {
  auto& [name, like, dtype, shape, shares, shape_of, to_rank, range, constant, number] = t;
  return std::tie(name, like, dtype, shape, shares, shape_of, to_rank, range, constant, number);
}

static auto fields(PatternNode& n) {
  auto& [op, in, out, attrs, attrs_or_default, over_last, in_float, commutes, readers, rank] = n;
  return std::tie(op, in, out, attrs, attrs_or_default, over_last, in_float, commutes, readers, rank);
}

static auto fields(PatternValue& v) {
  auto& [name, number, tolerance] = v;
  return std::tie(name, number, tolerance);
}

static auto fields(Pattern& p) {
  auto& [nodes, values, operands, pipelines, backends] = p;
  return std::tie(nodes, values, operands, pipelines, backends);
}

static auto fields(OpMapping& m) {
  auto& [kind, backend_op, refused, inputs, outputs, all_outputs, rewrite_port, rewrite_change, rewrite_cost,
         drops_empty, checks_params, generic, in_float, layout, rank_up, params, let, must_be_constant, takes, weight,
         bias, pattern, parts, tensors, unjudged, select] = m;
  return std::tie(kind, backend_op, refused, inputs, outputs, all_outputs, rewrite_port, rewrite_change, rewrite_cost,
                  drops_empty, checks_params, generic, in_float, layout, rank_up, params, let, must_be_constant, takes,
                  weight, bias, pattern, parts, tensors, unjudged, select);
}

namespace {

/// Each of 0 .. size-1 once: the view indexes dimensions with these.
bool is_order(const std::vector<uint8_t>& permutation) {
  std::vector<bool> seen(permutation.size());
  for (const uint8_t d : permutation) {
    if (d >= seen.size() || seen[d]) return false;
    seen[d] = true;
  }
  return true;
}

bool is_sound(const OpMapping& row) {
  return std::all_of(row.layout.begin(), row.layout.end(), [](const auto& l) { return is_order(l.permutation); }) &&
         std::all_of(row.tensors.begin(), row.tensors.end(),
                     [](const auto& t) { return t.range.empty() || t.range.size() == 2; }) &&
         std::all_of(row.select.begin(), row.select.end(), [](const auto& s) { return is_sound(*s.second); });
}

}  // namespace

std::string encoded_mapping(const OpMapping& mapping) { return encoded(mapping); }

std::unique_ptr<OpMapping> decoded_mapping(std::span<const std::byte> bytes) {
  auto row = decoded<OpMapping>(bytes);
  return row && is_sound(*row) ? std::make_unique<OpMapping>(std::move(*row)) : nullptr;
}

}  // namespace snapgauge
