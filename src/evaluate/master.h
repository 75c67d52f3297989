// The master op definition, compiled: parameter defaults, enumerators and names of dimensions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "evaluate/operation.h"
#include "opinfo/database.h"
#include "opinfo/predicate.h"

namespace snapgauge {

struct MasterParam {
  std::string name;
  bool mandatory = false;
  ParamValue fallback;                                 // kUnset: there is none
  std::optional<Expr> expression;                      // default that depends on the ports
  std::vector<std::pair<std::string, double>> values;  // enumerators

  std::string_view enumerator(double number) const;
  bool operator==(const MasterParam&) const = default;
};

/// Two dimensions that the definition gives one name, or one that it computes from others.
struct DimFact {
  PortRef port;
  int index = 0;  // negative from the end
  std::string name;
  std::optional<std::pair<PortRef, int>> same;  // where the name stands first
  Expr size;                                    // otherwise
  bool operator==(const DimFact&) const = default;
};

struct MasterInfo {
  std::vector<MasterParam> params;
  std::vector<std::pair<std::string, std::pair<PortRef, int>>> dims;  // "channel_out" -> in[1], 3
  std::vector<DimFact> dim_facts;
  std::vector<std::pair<PortRef, int>> ranks;  // that are a number
  std::vector<PortRef> mandatory;

  const MasterParam* param(std::string_view name) const;
  /// Dimension of a port that counts the output channels; nothing where the definition does not name it.
  std::optional<int> channel_axis(PortRef::Side side, size_t index) const;
  bool operator==(const MasterInfo&) const = default;
};

/// All but its constraints, which are rows as those of a backend.
Result<MasterInfo> compile_master(const MasterOp& op);

/// The rows of rules/definitions, by op: what holds beside the vendor's definitions on every backend.
Result<std::unordered_map<std::string, std::vector<ConstraintRow>>> definition_rows(const Database& database);

}  // namespace snapgauge
