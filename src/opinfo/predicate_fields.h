// Predicates and their parts for base/codec.h.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "diag/finding.h"
#include "opinfo/predicate.h"

namespace snapgauge {

constexpr DType last_of(DType) { return static_cast<DType>(kDTypeCount - 1); }
constexpr Strength last_of(Strength) { return Strength::kDoubtful; }
constexpr PortRef::Side last_of(PortRef::Side) { return PortRef::Side::kParam; }
constexpr Operand::Kind last_of(Operand::Kind) { return Operand::Kind::kDimName; }
constexpr Test::Op last_of(Test::Op) { return Test::Op::kNonzero; }
constexpr PredicateKind last_of(PredicateKind) { return static_cast<PredicateKind>(kPredicateKinds - 1); }

/// A tree follows from its text; one that was made up might have circles.
inline std::string to_stored(const Expr& expr) { return expr.text; }
inline bool from_stored(std::string_view text, Expr& expr) {
  if (text.empty()) return true;
  auto parsed = parse_expression(text);
  if (parsed) expr = std::move(*parsed);
  return parsed.has_value();
}

inline auto fields(SdkVersion& v) {
  auto& [major, minor, patch] = v;
  return std::tie(major, minor, patch);
}

inline auto fields(Source& s) {
  auto& [document, sdk] = s;
  return std::tie(document, sdk);
}

inline auto fields(PortRef& p) {
  auto& [side, first, last, param] = p;
  return std::tie(side, first, last, param);
}

inline auto fields(Operand& o) {
  auto& [kind, number, name, list, expr] = o;
  return std::tie(kind, number, name, list, expr);
}

inline auto fields(Test::Clause& c) {
  auto& [op, operand] = c;
  return std::tie(op, operand);
}

inline auto fields(Test& t) {
  auto& [clauses, at, at_to] = t;
  return std::tie(clauses, at, at_to);
}

inline auto fields(PortTest& p) {
  auto& [port, dtypes, dtypes_not, bits, encodings, rank, any_dim, dims, is_dynamic, is_static, is_quantized, unknown] =
      p;
  return std::tie(port, dtypes, dtypes_not, bits, encodings, rank, any_dim, dims, is_dynamic, is_static, is_quantized,
                  unknown);
}

inline auto fields(Relation& r) {
  auto& [lhs, rhs, compare] = r;
  return std::tie(lhs, rhs, compare);
}

inline auto fields(Condition& c) {
  auto& [own, value, size, last_index, opset, set, ports, params, args, attrs, given, used, absent, operands, relations,
         pipelines, backends, always] = c;
  return std::tie(own, value, size, last_index, opset, set, ports, params, args, attrs, given, used, absent, operands,
                  relations, pipelines, backends, always);
}

inline auto fields(Predicate& p) {
  auto& [kind, port, when, test, then, dtypes, encodings, with, of, scale, offset, scaled, arch, axes, text, lhs, rhs,
         extent, compare, by_operation, flags, flag, unreadable, body, source, pipeline, strength] = p;
  return std::tie(kind, port, when, test, then, dtypes, encodings, with, of, scale, offset, scaled, arch, axes, text,
                  lhs, rhs, extent, compare, by_operation, flags, flag, unreadable, body, source, pipeline, strength);
}

}  // namespace snapgauge
