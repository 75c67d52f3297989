// Three-valued evaluation of conditions, tests and expressions on an OpView. "Unknown" always comes
// with what was missing, so that nothing unevaluated can pass as fine.
#pragma once

#include <optional>
#include <string>

#include "evaluate/master.h"
#include "evaluate/operation.h"
#include "targets/target.h"

namespace snapgauge {

/// What is missing, where nothing more can be said.
constexpr std::string_view kNotStated = "something that the file does not state";

enum class Truth : uint8_t { kFalse, kUnknown, kTrue };
constexpr Truth truth(bool b) { return b ? Truth::kTrue : Truth::kFalse; }

struct EvalContext {
  const Operation& view;
  const Target& target;
  const MasterInfo* master = nullptr;  // names of dimensions and parameter defaults; may be null
  std::optional<double> element = {};  // index of the element that a test looks at: "i" in its operands
};

/// A place among the ports: a port, or a parameter by name.
struct Subject {
  PortRef::Side side = PortRef::Side::kIn;
  size_t index = 0;
  std::string_view param;
};

/// Value of an expression; nothing when a part is unknown, with `missing` saying which.
std::optional<double> evaluate(const Expr& expr, const EvalContext& context, const Subject* self, std::string* missing);

Truth test_number(const Test& test, double value, const EvalContext& context, const Subject* self,
                  std::string* missing);
Truth test_param(const Test& test, std::string_view name, const EvalContext& context, std::string* missing);
/// A parameter's value with the master's default in place of an unset one, enumerators as their names.
ParamValue effective_param(std::string_view name, const EvalContext& context);
/// "[1, 1]", "LINEAR"; "not set" or "unknown".
std::string param_text(const ParamValue& value);

Truth evaluate(const PortTest& test, const Port& port, const EvalContext& context, std::string* missing);
/// `self` is the port or parameter that the condition's own-port keys speak of; null: they must not occur.
Truth evaluate(const Condition& condition, const EvalContext& context, const Subject* self,
               std::string* missing = nullptr);

}  // namespace snapgauge
