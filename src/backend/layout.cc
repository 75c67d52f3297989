// Layouts: where the backend has the dimensions of a tensor in another order, or merged.
#include <algorithm>
#include <cmath>

#include "backend/node_translator.h"

namespace snapgauge {
namespace {

constexpr int kMaxRank = 8;  // of a backend tensor with a layout

}  // namespace

void NodeTranslator::apply_layout(OpGraph& out, Port& port, const PortLayout* layout, int axis) const {
  using Kind = PortLayout::Kind;
  if (!port.present || port.frontend_rank < 1 || port.frontend_rank >= kMaxRank) return;
  const auto from = int{port.frontend_rank};
  // A raised tensor has a new dimension of size 1 before the last one.
  const bool raised = from == 3 && view_.mapping->rank_up == 4;
  const int rank = raised ? 4 : from;
  std::array<int8_t, kMaxRank> source{};
  for (int i = 0; i < rank; ++i)
    source[static_cast<size_t>(i)] = static_cast<int8_t>(!raised || i < 2 ? i : i == 2 ? -1 : 2);
  const std::array<int8_t, kMaxRank> before = source;
  OpGraph::Shape shape{};
  int backend_rank = rank;
  auto group = [&](int begin, int end) {  // product of dimensions [begin, end); not known where no number holds it
    int64_t product = 1;
    for (int i = begin; i < end; ++i)
      if (port.dims[i] == kDynamicDim || __builtin_mul_overflow(product, port.dims[i], &product)) return kDynamicDim;
    return product;
  };
  auto merged = [&](std::initializer_list<std::pair<int, int>> groups) {
    backend_rank = 0;
    for (const auto& [begin, end] : groups) {
      shape.dims[static_cast<size_t>(backend_rank)] = group(begin, end);
      shape.from[static_cast<size_t>(backend_rank)] = static_cast<int8_t>(end > begin ? end - 1 : -1);
      ++backend_rank;
    }
  };
  if ((layout->kind == Kind::kMoveLast || layout->kind == Kind::kFlattenAt) && (axis < 0 || axis >= from)) return;
  switch (layout->kind) {
    case Kind::kRows: merged({{0, from - 1}, {from - 1, from}}); break;
    case Kind::kRow: merged({{0, 0}, {0, from}}); break;
    case Kind::kColumn: merged({{0, from}, {0, 0}}); break;
    case Kind::kFlat: merged({{0, from}}); break;
    case Kind::kFlattenAt: merged({{0, axis}, {axis, from}}); break;
    case Kind::kMoveLast: std::rotate(source.begin() + axis, source.begin() + axis + 1, source.begin() + rank); break;
    case Kind::kChannelLast:
      if (rank < 3 || rank > 5) return;
      std::rotate(source.begin() + 1, source.begin() + 2, source.begin() + rank);
      break;
    case Kind::kPermutation:
      if (layout->permutation.size() != static_cast<size_t>(rank)) return;
      for (int i = 0; i < rank; ++i)
        source[static_cast<size_t>(i)] = before[static_cast<size_t>(layout->permutation[static_cast<size_t>(i)])];
      break;
  }
  if (layout->kind <= Kind::kMoveLast) {
    shape.from = source;
    for (size_t i = 0; i < static_cast<size_t>(rank); ++i) shape.dims[i] = source[i] < 0 ? 1 : port.dims[source[i]];
  }
  out.shapes.push_back(shape);
  port.dims = out.shapes.back().dims.data();
  port.from = out.shapes.back().from.data();
  port.rank = static_cast<int8_t>(backend_rank);
}

void NodeTranslator::apply_layouts(OpGraph& out) {
  const std::vector<PortLayout>& layouts = view_.mapping->layout;
  if (layouts.empty()) return;
  // Axes count in the frontend's order, so all are asked for before any port changes.
  std::vector<int> axes(layouts.size(), -1);
  for (size_t i = 0; i < layouts.size(); ++i) {
    if (layouts[i].kind != PortLayout::Kind::kMoveLast && layouts[i].kind != PortLayout::Kind::kFlattenAt) continue;
    const ParamValue v = param_value(view_, layouts[i].axis);
    if (v.state == ParamValue::State::kKnown && v.numbers.size() == 1 && std::abs(v.numbers[0]) <= INT8_MAX)
      axes[i] = static_cast<int>(v.numbers[0]);
  }
  for (const auto side : {PortRef::Side::kIn, PortRef::Side::kOut}) {
    auto& ports = side == PortRef::Side::kIn ? in_ : out_;
    for (size_t p = 0; p < ports.size(); ++p)
      if (const PortLayout* layout = view_.mapping->layout_of(side, p))
        apply_layout(out, ports[p], layout, axes[static_cast<size_t>(layout - layouts.data())]);
  }
}

}  // namespace snapgauge
