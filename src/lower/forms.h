// Within lower: one tensor in the several forms in which its readers want it (as integers or numbers, dimensions in one
// order or another), each made once, by steps of the plan.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "backend/op_graph.h"
#include "base/result.h"
#include "lower/lower.h"
#include "plan/plan.h"

namespace snapgauge {

/// Why an op cannot be lowered; caught where the op is.
struct LowerFailure {
  std::string why;
};

/// Numbers of a kind: quantized, or as they are. The axis counts as the frontend does.
struct NumberForm {
  DType dtype = DType::kFloat32;
  BufferQuant quant;
  bool operator==(const NumberForm&) const = default;
  auto operator<=>(const NumberForm& other) const {
    const auto key = [](const NumberForm& n) {
      return std::tie(n.dtype, n.quant.scales, n.quant.zero_points, n.quant.axis);
    };
    return key(*this) <=> key(other);
  }
};

inline const NumberForm kReal{};  // 32-bit floats

/// What a spec says of stored integers; nothing when it is not calibrated, or not for the host.
std::optional<NumberForm> form_of(const Spec& spec);

class Forms {
 public:
  /// Both outlive it. Steps are added to the plan as they become necessary.
  /// `outlived`: whether the plan outlives the graph, so that the data of constants is copied.
  Forms(Plan& plan, const OpGraph& ops, bool outlived);

  /// The tensor's own form. Once per tensor.
  void define(ValueId value, BufferId buffer, const Order& order);
  bool knows(ValueId value) const { return base_.contains(value.index); }
  /// Of a tensor that has a form of its own.
  BufferId buffer_of(ValueId value) { return base_of(value).buffer; }
  /// The same as a tensor of another graph.
  void define(ValueId value, Forms& other, ValueId theirs) { base_[value.index] = other.base_of(theirs); }

  /// A constant of one number, or of one dimension.
  BufferId constant(float value) { return constant(std::vector<float>{value}); }
  BufferId constant(const std::vector<float>& values);
  BufferId constant(const std::vector<int32_t>& values);
  /// As `number`. Integers of the file, in an input or a constant, are read as `meaning` says, which one reader may say
  /// otherwise than another. Inputs and constants define themselves when they are asked for. Throws LowerFailure.
  BufferId get(ValueId value, const NumberForm& meaning, const NumberForm& number, const Order& order);
  /// The numbers of a constant's integers that have a scale per block.
  BufferId expanded(ValueId value, const Spec& spec, const Order& order);
  /// In the numbers that it has.
  NumberForm number_of(ValueId value) const;
  const Order& order_of(ValueId value);
  std::vector<int64_t> dims_of(ValueId value);  // as the frontend counts

  /// The same bytes in another shape.
  BufferId view(BufferId buffer, std::vector<int64_t> dims);
  BufferId transposed(BufferId buffer, const Order& order, const std::string& node);
  BufferId converted(BufferId buffer, const NumberForm& number, const std::string& node);
  /// A buffer for a step's result.
  BufferId temporary(std::string name, std::vector<int64_t> dims, const NumberForm& number);
  /// A step of an op.
  BufferId emit(StepKind kind, const std::string& node, std::vector<BufferId> inputs, BufferId output,
                StepParams params = {});
  /// Who executes the ops whose steps are emitted from here on.
  void set_executor(Executor executor) { executor_ = executor; }
  Executor executor() const { return executor_; }

 private:
  struct Base {
    BufferId buffer;
    Order order;
  };
  Base& base_of(ValueId value);
  Base expand(ValueId value, const Spec& spec);
  BufferId between(StepKind kind, const std::string& node, BufferId input, BufferId output, StepParams params = {});
  BufferId in_order(BufferId buffer, const Order& own, const Order& wanted, const std::string& node);
  void define_constant(ValueId value);
  void define_input(ValueId value);
  void define_folded(ValueId value);
  BufferId constant(DType dtype, std::span<const std::byte> bytes, size_t count);
  BufferId meant(const Base& base, const NumberForm& meaning);
  NumberForm number_in(BufferId buffer, const Order& order) const;

  using Key = std::tuple<uint32_t, NumberForm, NumberForm, Order>;
  Plan& plan_;
  const OpGraph& ops_;
  const Graph& graph_;
  const bool outlived_;
  Executor executor_ = Executor::kBackend;
  std::map<uint32_t, Base> base_;         // by ValueId
  std::map<uint32_t, ValueId> selected_;  // results of nodes, by the value of the node that picks them
  std::map<Key, BufferId> made_;
  std::map<std::pair<uint32_t, const Spec*>, Base> expanded_;
};

}  // namespace snapgauge
