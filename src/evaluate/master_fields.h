// Parameters and the master definition for base/codec.h.
#pragma once

#include <tuple>

#include "evaluate/master.h"
#include "opinfo/predicate_fields.h"

namespace snapgauge {

constexpr ParamValue::State last_of(ParamValue::State) { return ParamValue::State::kKnown; }

inline auto fields(ParamValue& v) {
  auto& [state, numbers, name, is_list] = v;
  return std::tie(state, numbers, name, is_list);
}

inline auto fields(MasterParam& p) {
  auto& [name, mandatory, fallback, expression, values] = p;
  return std::tie(name, mandatory, fallback, expression, values);
}

inline auto fields(DimFact& f) {
  auto& [port, index, name, same, size] = f;
  return std::tie(port, index, name, same, size);
}

inline auto fields(MasterInfo& m) {
  auto& [params, dims, dim_facts, ranks, mandatory] = m;
  return std::tie(params, dims, dim_facts, ranks, mandatory);
}

}  // namespace snapgauge
