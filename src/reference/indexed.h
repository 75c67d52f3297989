// Within reference: what goes by indices that are data, by its definition.
#pragma once

#include <optional>
#include <utility>

#include "reference/values.h"

namespace snapgauge {

class IndexedValues : protected Values {
 protected:
  using Values::Values;

  void indexed() {
    switch (step_->kind) {
      case StepKind::kTopK: return top_k();
      case StepKind::kCumulate: return cumulate();
      case StepKind::kGatherElements:
        return fill([&](Dims place, int64_t) {
          const auto axis = static_cast<size_t>(params<Indexed>().axis);
          place[axis] = nearest_index(static_cast<int64_t>(at(1, place)), dims(0)[axis]);
          return at(0, place);
        });
      case StepKind::kGatherNd:
        return fill([&](const Dims& place, int64_t) { return at(0, *named_place(place, true)); });
      default: return scatter();
    }
  }

 private:
  static int64_t nearest_index(int64_t index, int64_t size) {
    return std::clamp<int64_t>(index < 0 ? index + size : index, 0, size - 1);
  }
  static bool is_inside(int64_t index, int64_t size) { return index >= -size && index < size; }

  /// Where in the data an element lies that is taken to, or put from, `place`; nothing when it is outside.
  std::optional<Dims> named_place(const Dims& place, bool nearest) {
    const Dims &index = dims(1), &data = dims(0);
    const auto common = static_cast<size_t>(params<Indexed>().batch_dims), named = static_cast<size_t>(index.back());
    Dims row(place.begin(), place.begin() + static_cast<ptrdiff_t>(index.size() - 1)), out(data.size());
    for (size_t d = 0; d < common; ++d) out[d] = place[d];
    row.push_back(0);
    for (size_t k = 0; k < named; ++k) {
      row.back() = static_cast<int64_t>(k);
      const auto i = static_cast<int64_t>(at(1, row));
      if (!nearest && !is_inside(i, data[common + k])) return std::nullopt;
      out[common + k] = nearest_index(i, data[common + k]);
    }
    for (size_t d = common + named; d < data.size(); ++d) out[d] = place[index.size() - 1 + d - common - named];
    return out;
  }

  std::optional<Dims> element_place(const Dims& place) {
    const auto axis = static_cast<size_t>(params<Indexed>().axis);
    const auto i = static_cast<int64_t>(at(1, place));
    if (!is_inside(i, dims(0)[axis])) return std::nullopt;
    Dims out = place;
    out[axis] = nearest_index(i, dims(0)[axis]);
    return out;
  }

  void scatter() {
    Reals data = value(step_->inputs[0]);
    const Dims put = dims(2);
    for (int64_t i = 0; i < count_of(put); ++i) {
      const Dims place = place_of(i, put);
      const auto to = step_->kind == StepKind::kScatterNd ? named_place(place, false) : element_place(place);
      if (!to) continue;
      double& element = data[static_cast<size_t>(index_of(*to, dims(0)))];
      const double update = at(2, i);
      switch (params<Indexed>().update) {
        case Indexed::Update::kReplace: element = update; break;
        case Indexed::Update::kAdd: element += update; break;
        case Indexed::Update::kMul: element *= update; break;
      }
    }
    fill([&](const Dims&, int64_t i) { return data[static_cast<size_t>(i)]; });
  }

  void top_k() {
    const auto axis = static_cast<size_t>(params<OverAxes>().axes[0]);
    const bool smallest = params<OverAxes>().function == Function::kSmallest;
    fill([&](Dims place, int64_t) {
      const auto rank = static_cast<size_t>(place[axis]);
      std::vector<std::pair<double, int64_t>> all;
      for (place[axis] = 0; place[axis] < dims(0)[axis]; ++place[axis])
        all.emplace_back(smallest ? at(0, place) : -at(0, place), place[axis]);
      std::sort(all.begin(), all.end());
      return static_cast<double>(all[rank].second);
    });
  }

  void cumulate() {
    const auto& c = params<Cumulation>();
    const auto axis = static_cast<size_t>(c.axis);
    fill([&](Dims place, int64_t) {
      const int64_t own = place[axis];
      double sum = 0;
      for (int64_t k = 0; k < dims(0)[axis]; ++k) {
        const bool before = c.reverse ? k > own : k < own;
        place[axis] = k;
        if (before || (k == own && !c.exclusive)) sum += at(0, place);
      }
      return sum;
    });
  }
};

}  // namespace snapgauge
