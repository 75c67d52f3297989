// Why a row of the tables cannot have a good and a bad node: what follows from its own content.
#pragma once

#include <optional>
#include <string_view>

#include "numerics/quant.h"
#include "opinfo/predicate.h"
#include "plan.h"
#include "targets/target.h"

namespace snapgauge::pairs {

/// What the draws came upon for one row.
struct Found {
  bool good = false;      // it binds the node, holds, and is not reported
  bool bad = false;       // it does not hold, and the port is refused
  bool own = false;       // likewise, and its own rule is among those that say so
  bool withheld = false;  // it cannot be decided, and the node is not accepted
};

struct Proof {
  std::string_view reason;
  bool Found::*shown;  // what some node must show all the same; null: no node is bound
};

/// Datatypes that any tensor of any file may have for the backend.
inline DTypeSet seen_dtypes(const Target& target) {
  DTypeSet seen = 0;
  for (int t = 1; t < kDTypeCount; ++t) {
    const auto storage = static_cast<DType>(t);
    if (is_fixed_point(storage)) continue;  // how a backend reads a stored type
    seen |= target.plain_dtypes(storage, false) | target.plain_dtypes(storage, true);
    Spec spec;
    spec.storage = storage;
    seen |= dtype_bit(backend_dtype(spec));
    for (int bits = 1; bits <= 32; ++bits)
      for (const int64_t low : {int64_t{0}, -(int64_t{1} << (bits - 1))}) {
        spec.qmin = low;
        spec.qmax = low + (int64_t{1} << bits) - 1;
        seen |= dtype_bit(backend_dtype(spec));
      }
  }
  for (const PortCast& cast : target.pipeline.port_casts) seen |= dtype_bit(cast.to);
  return seen;
}

/// Whether the test holds for every number from `low` to `high`.
inline bool holds_throughout(const Test& test, int low, int high) {
  for (int n = low; n <= high; ++n)
    if (boundaries::accepts(test, n, {}) != std::optional(true)) return false;
  return true;
}

inline bool asks_for_a_type(PredicateKind kind) {
  using K = PredicateKind;
  for (const K k : {K::kDtypeAllowed, K::kDtypeForbidden, K::kSameDtype, K::kEqualQuantization, K::kSymmetric,
                    K::kAsymmetric, K::kSigned, K::kBitwidth, K::kEncodingAllowed, K::kEncodingForbidden})
    if (k == kind) return true;
  return false;
}

/// Names something that neither the vendor's op definition nor the tables' language has.
inline bool names_the_undefined(const Predicate& p) {
  if (p.unreadable) return true;
  if (p.kind == PredicateKind::kDim) return p.axes.empty();
  // All parts of what is forbidden must hold.
  return p.kind == PredicateKind::kForbidden &&
         std::any_of(p.then.begin(), p.then.end(), [](const Condition& c) { return c.own.unknown; });
}

inline std::optional<Proof> prove(const Predicate& p, const Target& target) {
  constexpr int kHighestRank = 64;  // of any file
  const bool is_param = p.port.side == PortRef::Side::kParam;
  if (!is_param && p.kind == PredicateKind::kRank && holds_throughout(p.test, 1, kHighestRank))
    return Proof{"every tensor has a rank that will do: a scalar is a tensor of one element", &Found::good};
  if (is_param && p.kind == PredicateKind::kRank && holds_throughout(p.test, 0, 2))
    return Proof{"every parameter has a rank that will do: a number, a list, or pairs", &Found::good};
  if (is_param && asks_for_a_type(p.kind))
    return Proof{"parameters are handed over as numbers, their type and scale are chosen by the lowering",
                 &Found::good};
  if (p.when->own.dtypes != 0 && (p.when->own.dtypes & seen_dtypes(target)) == 0)
    return Proof{"it is about a datatype that no tensor is lowered to", nullptr};
  if (names_the_undefined(p))
    return Proof{"it names what the op does not have, so that nodes are judged unknown", &Found::withheld};
  return std::nullopt;
}

}  // namespace snapgauge::pairs
