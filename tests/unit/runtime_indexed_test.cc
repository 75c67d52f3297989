// What goes by indices that are data, beside the reference interpreter.
#include "unit/runtime_draw.h"

namespace snapgauge {
namespace {

using namespace runtime_test;

/// A constant of indices, some of them negative or outside of `size`.
BufferId indices(Draw& draw, Plan& plan, std::vector<int64_t> dims, int64_t size) {
  const BufferId id = draw.add(plan, std::move(dims), DType::kInt32, {}, BufferRole::kConstant);
  Buffer& b = plan.buffer(id);
  for (uint64_t i = 0; i < b.elements(); ++i) {
    const auto index = static_cast<int32_t>(draw.between(-size - 1, size));
    std::memcpy(const_cast<std::byte*>(b.data.data()) + i * sizeof index, &index, sizeof index);
  }
  return id;
}

Step indexed_step(Draw& draw, Plan& plan, BufferId x, bool quantized, std::vector<int64_t>& y, DType& made) {
  const std::vector<int64_t> dims = plan.buffer(x).dims;
  const DType dtype = plan.buffer(x).dtype;
  const BufferQuant quant = plan.buffer(x).quant;
  const auto axis = static_cast<size_t>(draw.below(3));
  const auto update = static_cast<Indexed::Update>(quantized ? 0 : draw.below(3));
  const Indexed along{update, static_cast<int64_t>(axis), 0};
  const auto input = [&](std::vector<int64_t> shape) {
    return draw.add(plan, std::move(shape), dtype, quant, BufferRole::kInput);
  };
  switch (draw.below(quantized ? 5 : 6)) {
    case 0: {
      y[axis] = draw.between(0, dims[axis]);
      made = DType::kInt32;
      const Function which = draw.below(2) == 0 ? Function::kLargest : Function::kSmallest;
      return {StepKind::kTopK, "s", {x}, {}, OverAxes{{static_cast<int64_t>(axis)}, 0, which}};
    }
    case 1: {
      for (size_t d = 0; d < 3; ++d) y[d] = draw.between(1, d == axis ? 6 : dims[d]);
      return {StepKind::kGatherElements, "s", {x, indices(draw, plan, y, dims[axis])}, {}, along};
    }
    case 2: {
      std::vector<int64_t> moved = draw.shape(3, 3);
      for (size_t d = 0; d < 3; ++d) moved[d] = std::min(moved[d], dims[d]);
      const BufferId at = indices(draw, plan, moved, dims[axis]);
      return {StepKind::kScatterElements, "s", {x, at, input(moved)}, {}, along};
    }
    case 3: {
      const int64_t common = draw.below(2), named = draw.between(1, 3 - common);
      std::vector<int64_t> index(dims.begin(), dims.begin() + common);
      index.push_back(draw.between(1, 4));
      index.push_back(named);
      y.assign(index.begin(), index.end() - 1);
      y.insert(y.end(), dims.begin() + common + named, dims.end());
      return {StepKind::kGatherNd, "s", {x, indices(draw, plan, index, 2)}, {}, Indexed{{}, 0, common}};
    }
    case 4: {
      const int64_t named = draw.between(1, 3);
      const std::vector<int64_t> index{draw.between(1, 4), named};
      std::vector<int64_t> moved{index[0]};
      moved.insert(moved.end(), dims.begin() + named, dims.end());
      const BufferId at = indices(draw, plan, index, 3);
      return {StepKind::kScatterNd, "s", {x, at, input(moved)}, {}, Indexed{update, 0, 0}};
    }
    default:
      return {StepKind::kCumulate,
              "s",
              {x},
              {},
              Cumulation{static_cast<int64_t>(axis), draw.below(2) == 0, draw.below(2) == 0}};
  }
}

TEST(Kernels, WhatGoesByIndices) {
  for (uint32_t seed = 0; seed < 600; ++seed) {
    Draw draw(seed);
    Plan plan;
    const bool quantized = draw.below(2) == 0;
    const DType dtype = quantized ? draw.integer() : DType::kFloat32;
    const BufferQuant quant = quantized ? draw.per_tensor(dtype) : BufferQuant{};
    const BufferId x = draw.add(plan, draw.shape(3, 5), dtype, quant, BufferRole::kInput);
    std::vector<int64_t> y = plan.buffer(x).dims;
    DType made = dtype;
    Step step = indexed_step(draw, plan, x, quantized, y, made);
    step.output = draw.add(plan, y, made, made == dtype ? quant : BufferQuant{}, BufferRole::kTemporary);
    const std::string what = std::string(step_name(step.kind)) + " seed " + std::to_string(seed);
    plan.steps.push_back(std::move(step));
    expect_equal(both(std::move(plan), draw), 0, what);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace snapgauge
