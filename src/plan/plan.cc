// Names, sizes and the text of plans.
#include "plan/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"

namespace snapgauge {
namespace {

constexpr std::array<std::string_view, 33> kSteps{
    "convolution",
    "transposed_convolution",
    "matmul",
    "unary",
    "binary",
    "softmax",
    "layer_norm",
    "rms_norm",
    "max_pool",
    "average_pool",
    "resize",
    "transpose",
    "concat",
    "slice",
    "pad",
    "gather",
    "reduce",
    "argmax",
    "depth_to_space",
    "space_to_depth",
    "top_k",
    "gather_elements",
    "gather_nd",
    "scatter_elements",
    "scatter_nd",
    "cumulate",
    "select",
    "quantize",
    "dequantize",
    "requantize",
    "cast",
    "copy",
    "foreign",
};
static_assert(kSteps.size() == static_cast<size_t>(StepKind::kForeign) + 1);

constexpr std::array<std::string_view, 53> kFunctions{
    "relu",       "clip",         "sigmoid",
    "tanh",       "elu",          "gelu",
    "hard_swish", "hard_sigmoid", "exp",
    "log",        "sqrt",         "rsqrt",
    "neg",        "abs",          "floor",
    "ceil",       "round",        "sign",
    "sin",        "cos",          "erf",
    "asin",       "atan",         "softplus",
    "reciprocal", "half",         "not",
    "add",        "sub",          "mul",
    "div",        "max",          "min",
    "pow",        "prelu",        "floor_div",
    "mod",        "fmod",         "squared_difference",
    "equal",      "not_equal",    "less",
    "less_equal", "greater",      "greater_equal",
    "and",        "or",           "xor",
    "sum",        "mean",         "largest",
    "smallest",   "product",
};
static_assert(kFunctions.size() == static_cast<size_t>(Function::kProduct) + 1);

constexpr std::array<std::string_view, 4> kNearest{"nearest, floor of ties", "nearest, ceiling of ties", "floor",
                                                   "ceil"};
constexpr std::array<std::string_view, 3> kUpdates{"replace", "add", "mul"};

std::string quant_text(const BufferQuant& q) {
  if (q.empty()) return "";
  if (q.per_tensor()) return fmt::format(" scale {} zero point {}", q.scales[0], q.zero_points[0]);
  return fmt::format(" {} scales axis {}", q.scales.size(), q.axis);
}

std::string buffer_text(const Plan& plan, BufferId id) {
  if (!id.valid()) return "-";
  const Buffer& b = plan.buffer(id);
  return fmt::format("%{} {} [{}]{}{}", id.index, dtype_name(b.dtype), fmt::join(b.dims, ", "), quant_text(b.quant),
                     b.role == BufferRole::kConstant ? " constant" : "");
}

std::string part_text(const PlanPart& part) {
  return fmt::format("{} of {} steps\n", part.executor == Executor::kBackend ? "partition" : "on the CPU", part.count);
}

struct ParamsText {
  std::string operator()(const std::monostate&) const { return ""; }
  std::string operator()(const Window& w) const {
    return fmt::format(" kernel {} stride {} dilation {} pad {} {} groups {}{}", w.kernel, w.stride, w.dilation,
                       w.pad_before, w.pad_after, w.groups, w.count_padding ? " counts padding" : "");
  }
  std::string operator()(const Elementwise& e) const {
    return fmt::format(" {} {} {}", function_name(e.function), e.a, e.b);
  }
  std::string operator()(const OverAxes& o) const {
    return fmt::format(" {} axes {} epsilon {}", function_name(o.function), o.axes, o.epsilon);
  }
  std::string operator()(const Permutation& p) const { return fmt::format(" order {}", p.order); }
  std::string operator()(const Region& r) const { return fmt::format(" begin {} step {}", r.begin, r.step); }
  std::string operator()(const Padding& p) const {
    return fmt::format(" mode {} before {} value {}", static_cast<int>(p.mode), p.before, p.value);
  }
  std::string operator()(const Resizing& r) const {
    return fmt::format(" {}{}{}{}", r.linear ? "linear" : kNearest[static_cast<size_t>(r.nearest)],
                       r.align_corners ? " align corners" : "", r.half_pixel ? " half pixel" : "",
                       r.zero_of_one ? " zero of one" : "");
  }
  std::string operator()(const Indexed& i) const {
    return fmt::format(" {} axis {} batch {}", kUpdates[static_cast<size_t>(i.update)], i.axis, i.batch_dims);
  }
  std::string operator()(const Cumulation& c) const {
    return fmt::format(" axis {}{}{}", c.axis, c.exclusive ? " exclusive" : "", c.reverse ? " reverse" : "");
  }
  std::string operator()(const Blocks& b) const {
    return fmt::format(" size {}{}", b.size, b.columns_first ? " columns first" : "");
  }
  std::string operator()(const Foreign& f) const { return fmt::format(" {} result {}", printable(f.op), f.result); }
};

}  // namespace

std::string_view step_name(StepKind kind) { return kSteps[static_cast<size_t>(kind)]; }
std::string_view function_name(Function function) { return kFunctions[static_cast<size_t>(function)]; }

uint64_t Buffer::elements() const {
  uint64_t n = 1;
  for (const int64_t d : dims) n *= static_cast<uint64_t>(d);
  return n;
}

uint64_t Buffer::bytes() const { return (elements() * static_cast<uint64_t>(bit_width(dtype)) + 7) / 8; }

BufferId Plan::add(Buffer buffer) {
  buffers.push_back(std::move(buffer));
  return BufferId{static_cast<uint32_t>(buffers.size() - 1)};
}

BufferId Plan::owner(BufferId id) const {
  while (buffer(id).same_bytes.valid()) id = buffer(id).same_bytes;
  return id;
}

std::span<std::byte> Plan::add_blob(uint64_t bytes) {
  blobs.push_back(std::make_shared_for_overwrite<std::byte[]>(bytes));
  return {blobs.back().get(), bytes};
}

std::string to_text(const Plan& plan) {
  std::string out;
  for (const BufferId id : plan.inputs)
    out += fmt::format("input {} {}\n", printable(plan.buffer(id).name), buffer_text(plan, id));
  for (size_t s = 0, part = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    if (plan.parts.size() > 1 && part < plan.parts.size() && plan.parts[part].first == s)
      out += part_text(plan.parts[part++]);
    out += fmt::format("{} = {}{} (", buffer_text(plan, step.output), step_name(step.kind),
                       std::visit(ParamsText(), step.params));
    for (size_t i = 0; i < step.inputs.size(); ++i) out += (i == 0 ? "" : ", ") + buffer_text(plan, step.inputs[i]);
    out += fmt::format(")  # {}\n", printable(step.node));
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i)
    out += fmt::format("output {} {}\n", printable(plan.output_names[i]), buffer_text(plan, plan.outputs[i]));
  return out + fmt::format("arena {} bytes\n", plan.arena_bytes);
}

}  // namespace snapgauge
