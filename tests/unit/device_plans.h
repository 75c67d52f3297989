// Small plans and devices for the tests of runtime/device.h.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/device.h"
#include "unit/options_places.h"

namespace snapgauge::device_test {

using Floats = std::vector<float>;

inline constexpr int64_t kRows = 2, kDepth = 3, kColumns = 4;
inline constexpr uint64_t kMacs = kRows * kDepth * kColumns;

inline Buffer tensor(std::vector<int64_t> dims, BufferRole role) {
  Buffer b;
  b.name = "t";
  b.dims = std::move(dims);
  b.role = role;
  return b;
}

/// y = x [rows, depth] by a constant [depth, columns] whose elements are `factor`.
inline Plan product_plan(float factor, int64_t rows = kRows, int64_t depth = kDepth, int64_t columns = kColumns) {
  Plan plan;
  Buffer weights = tensor({depth, columns}, BufferRole::kConstant);
  const auto blob = plan.add_blob(weights.bytes());
  for (size_t i = 0; i < weights.elements(); ++i) std::memcpy(blob.data() + i * sizeof factor, &factor, sizeof factor);
  weights.data = blob;
  const BufferId x = plan.add(tensor({rows, depth}, BufferRole::kInput)), w = plan.add(std::move(weights)),
                 y = plan.add(tensor({rows, columns}, BufferRole::kTemporary));
  plan.steps.push_back({StepKind::kMatMul, "product", {x, w}, y, {}});
  plan.inputs = {x};
  plan.outputs = {y};
  plan.output_names = {"y"};
  return plan;
}

/// What it makes of rows of equal numbers.
inline Floats product_of(const Floats& x, float factor, int64_t columns = kColumns) {
  Floats out;
  const size_t rows = kRows, depth = x.size() / rows;
  for (size_t r = 0; r < rows; ++r)
    out.insert(out.end(), static_cast<size_t>(columns), x[r * depth] * factor * static_cast<float>(depth));
  return out;
}
inline Floats rows_of(float first, float second, int64_t depth = kDepth) {
  Floats out(static_cast<size_t>(depth), first);
  out.insert(out.end(), static_cast<size_t>(depth), second);
  return out;
}

/// One input and one output.
inline Status execute(DeviceGraph& graph, const Floats& x, Floats& y) {
  const std::span<const std::byte> in[] = {std::as_bytes(std::span(x))};
  const std::span<std::byte> out[] = {std::as_writable_bytes(std::span(y))};
  return graph.execute(in, out);
}

inline void expect_works(DeviceGraph& graph, float factor) {
  Floats y(kRows * kColumns);
  ASSERT_EQ(error_of(execute(graph, rows_of(1, -2), y)), "");
  EXPECT_EQ(y, product_of(rows_of(1, -2), factor)) << graph.name();
}

/// Options of the run, by name as people write them.
inline Status set(DeviceGraph& graph, std::vector<OptionText> options) { return graph.set(options); }
inline Status set_fps(DeviceGraph& graph, const std::string& fps) {
  return set(graph, {{"qnn_runtime_lpai_fps", fps}});
}

/// What a library of a vendor may do: it fails as often as it is told to.
class FailingLibrary final : public DeviceLibrary {
 public:
  explicit FailingLibrary(int times) : left_(times) {}
  std::string_view name() const override { return "failing"; }
  Result<std::shared_ptr<const LoadedPlan>> prepare(const Plan& plan, const OptionSet& options) override {
    last = options;
    if (left_-- > 0) return Error{ErrorCode::kUnsupported, "product", "has no home here"};
    return host_library().prepare(plan, options);
  }
  OptionSet last{OptionBackend::kHtp};

 private:
  int left_;
};

struct OneGraph {
  std::shared_ptr<Device> device;
  std::shared_ptr<Context> context;
  std::shared_ptr<DeviceGraph> graph;
};

/// A device with one context that has one graph, "g".
inline OneGraph one_graph(Plan plan, const OptionSet& options, DeviceLibrary& library = host_library()) {
  OneGraph out;
  out.device = Device::open(library, {options.backend(), "SM8850"});
  std::vector<ContextGraph> graphs{{"g", std::move(plan)}};
  auto context = Context::create(out.device, std::move(graphs), options);
  EXPECT_TRUE(context);
  if (!context) return out;
  out.context = *context;
  auto graph = out.context->graph("g");
  EXPECT_TRUE(graph);
  if (graph) out.graph = *graph;
  return out;
}
inline OneGraph one_graph(OptionBackend backend, DeviceLibrary& library = host_library()) {
  return one_graph(product_plan(2), OptionSet(backend), library);
}

template <class T>
std::string error_text(const Result<T>& result) {
  return result ? std::string() : result.error().message();
}

}  // namespace snapgauge::device_test
