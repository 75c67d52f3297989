// What goes by indices that are data: the largest elements, elements gathered and scattered, sums so far.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "runtime/kernel.h"

namespace snapgauge {
namespace {

/// Calls `use` with a value of the C++ type of an index; null when there is none.
template <class Use>
MadeKernel for_index(DType dtype, Use use) {
  if (dtype == DType::kInt32) return use(int32_t{});
  return dtype == DType::kInt64 ? use(int64_t{}) : nullptr;
}

template <class T>
bool is_nan(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(x);
  return false;
}

/// The first of equal ones comes first; what is not a number is the largest, as the frameworks have it.
template <class T>
MadeKernel make_top_k(const Plan& plan, const Step& step, const OverAxes& over) {
  const auto axis = static_cast<size_t>(over.axes[0]);
  const AroundAxis around(plan.buffer(step.inputs[0]).dims, axis);
  const int64_t k = plan.buffer(step.output).dims[axis];
  return for_index(plan.buffer(step.output).dtype, [&](auto zero) {
    using I = decltype(zero);
    return kernel_of([in = step.inputs[0], out = step.output, around, k,
                      smallest = over.function == Function::kSmallest](const Memory& m) {
      const T* x = m.read<T>(in);
      I* y = m.write<I>(out);
      std::vector<I> places(static_cast<size_t>(around.size));
      for (int64_t o = 0; o < around.outer; ++o)
        for (int64_t i = 0; i < around.inner; ++i) {
          const T* line = x + o * around.size * around.inner + i;
          const auto less = [](T a, T b) { return a < b || (!is_nan(a) && is_nan(b)); };
          const auto before = [&](I a, I b) {
            const T va = line[a * around.inner], vb = line[b * around.inner];
            if (smallest ? less(va, vb) : less(vb, va)) return true;
            return !(smallest ? less(vb, va) : less(va, vb)) && a < b;
          };
          std::iota(places.begin(), places.end(), I{0});
          std::partial_sort(places.begin(), places.begin() + k, places.end(), before);
          for (int64_t j = 0; j < k; ++j) y[(o * k + j) * around.inner + i] = places[static_cast<size_t>(j)];
        }
    });
  });
}

/// Integers wrap around, as in the frameworks.
template <class T>
auto wrapping(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return x;
  else
    return static_cast<uint64_t>(static_cast<int64_t>(x));
}

template <class T>
MadeKernel make_cumulate(const Plan& plan, const Step& step, const Cumulation& c) {
  const AroundAxis around(plan.buffer(step.output).dims, static_cast<size_t>(c.axis));
  return kernel_of([in = step.inputs[0], out = step.output, around, c](const Memory& m) {
    const T* x = m.read<T>(in);
    T* y = m.write<T>(out);
    for (int64_t o = 0; o < around.outer; ++o)
      for (int64_t i = 0; i < around.inner; ++i) {
        auto sum = wrapping(T{0});
        for (int64_t k = 0; k < around.size; ++k) {
          const int64_t at = (o * around.size + (c.reverse ? around.size - 1 - k : k)) * around.inner + i;
          const auto value = wrapping(x[at]);
          if (!c.exclusive) sum += value;
          y[at] = static_cast<T>(sum);
          if (c.exclusive) sum += value;
        }
      }
  });
}

/// Writes one element or more over others.
template <class T>
void put(T* to, const T* from, int64_t count, Indexed::Update update) {
  const auto with = [&](auto combine) {
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(combine(wrapping(to[i]), wrapping(from[i])));
  };
  switch (update) {
    case Indexed::Update::kReplace: std::copy_n(from, count, to); break;
    case Indexed::Update::kAdd: with([](auto a, auto b) { return a + b; }); break;
    case Indexed::Update::kMul: with([](auto a, auto b) { return a * b; }); break;
  }
}

/// Walks over the elements that are taken or put along an axis: calls `element(place in the data, place among them)`.
/// Indices outside of the data are the nearest ones, or left out.
class Elements {
 public:
  Elements(const std::vector<int64_t>& data, const std::vector<int64_t>& moved, size_t axis, bool leaves_out)
      : data_(data), moved_(moved), strides_(data.size(), 1), axis_(axis), leaves_out_(leaves_out) {
    for (size_t d = data.size(); d-- > 1;) strides_[d - 1] = strides_[d] * data[d];
    for (const int64_t d : moved) count_ *= d;
  }

  template <class I, class Use>
  void each(const I* indices, Use element) const {
    std::vector<int64_t> at(data_.size());
    const int64_t size = data_[axis_];
    for (int64_t i = 0; i < count_; ++i) {
      int64_t index = indices[i] < 0 ? indices[i] + size : indices[i];
      if (index >= 0 && index < size ? true : !leaves_out_) {
        index = std::clamp<int64_t>(index, 0, size - 1);
        int64_t from = index * strides_[axis_];
        for (size_t d = 0; d < at.size(); ++d)
          if (d != axis_) from += at[d] * strides_[d];
        element(from, i);
      }
      for (size_t d = at.size(); d-- > 0;) {
        if (++at[d] < moved_[d]) break;
        at[d] = 0;
      }
    }
  }

 private:
  std::vector<int64_t> data_, moved_, strides_;
  size_t axis_;
  bool leaves_out_;
  int64_t count_ = 1;
};

/// The same of slices that the last dimension of the indices names: calls `slice(place in the data, place among them)`,
/// both in elements.
class Slices {
 public:
  Slices(const std::vector<int64_t>& data, const std::vector<int64_t>& indices, int64_t batch_dims, bool leaves_out)
      : leaves_out_(leaves_out) {
    const auto common = static_cast<size_t>(batch_dims), named = static_cast<size_t>(indices.back());
    for (size_t d = 0; d + 1 < indices.size(); ++d) (d < common ? batches_ : per_batch_) *= indices[d];
    sizes_.assign(data.begin() + batch_dims, data.begin() + batch_dims + indices.back());
    for (size_t d = common + named; d < data.size(); ++d) length_ *= data[d];
    strides_.assign(named, length_);
    for (size_t d = named; d-- > 1;) strides_[d - 1] = strides_[d] * sizes_[d];
    batch_ = named == 0 ? length_ : strides_[0] * sizes_[0];
  }
  int64_t length() const { return length_; }

  template <class I, class Use>
  void each(const I* indices, Use slice) const {
    for (int64_t i = 0; i < batches_ * per_batch_; ++i, indices += sizes_.size()) {
      int64_t from = i / per_batch_ * batch_;
      bool inside = true;
      for (size_t d = 0; d < sizes_.size(); ++d) {
        int64_t index = indices[d] < 0 ? indices[d] + sizes_[d] : indices[d];
        inside = inside && index >= 0 && index < sizes_[d];
        index = std::clamp<int64_t>(index, 0, sizes_[d] - 1);
        from += index * strides_[d];
      }
      if (inside || !leaves_out_) slice(from, i * length_);
    }
  }

 private:
  std::vector<int64_t> sizes_, strides_;
  int64_t batches_ = 1, per_batch_ = 1, length_ = 1, batch_ = 1;
  bool leaves_out_;
};

template <class T>
MadeKernel make_indexed_of(const Plan& plan, const Step& step, const Indexed& how) {
  const Buffer &data = plan.buffer(step.inputs[0]), &index = plan.buffer(step.inputs[1]);
  const bool scatters = step.kind == StepKind::kScatterElements || step.kind == StepKind::kScatterNd;
  const bool by_element = step.kind == StepKind::kGatherElements || step.kind == StepKind::kScatterElements;
  const auto axis = static_cast<size_t>(by_element ? how.axis : 0);
  const Elements elements(data.dims, by_element ? index.dims : data.dims, axis, scatters);
  const Slices slices(data.dims, by_element ? std::vector<int64_t>{0} : index.dims, by_element ? 0 : how.batch_dims,
                      scatters);
  return for_index(index.dtype, [&](auto zero) {
    using I = decltype(zero);
    return kernel_of([in = step.inputs, out = step.output, elements, slices, scatters, by_element,
                      count = data.elements(), update = how.update](const Memory& m) {
      const T* x = m.read<T>(in[0]);
      const I* indices = m.read<I>(in[1]);
      T* y = m.write<T>(out);
      const T* updates = scatters ? m.read<T>(in[2]) : nullptr;
      if (scatters) std::copy_n(x, count, y);
      const int64_t length = by_element ? 1 : slices.length();
      const auto move = [&](int64_t at, int64_t moved) {
        if (scatters)
          put(y + at, updates + moved, length, update);
        else
          std::copy_n(x + at, length, y + moved);
      };
      if (by_element)
        elements.each(indices, move);
      else
        slices.each(indices, move);
    });
  });
}

}  // namespace

MadeKernel make_indexed(const Plan& plan, const Step& step) {
  const Buffer &data = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  if (const auto* over = std::get_if<OverAxes>(&step.params))
    return for_number(data.dtype, [&](auto zero) { return make_top_k<decltype(zero)>(plan, step, *over); });
  if (data.dtype != out.dtype || !(data.quant == out.quant)) return nullptr;
  if (const auto* cumulation = std::get_if<Cumulation>(&step.params)) {
    if (!data.quant.empty()) return nullptr;
    return for_number(data.dtype, [&](auto zero) { return make_cumulate<decltype(zero)>(plan, step, *cumulation); });
  }
  const auto* how = std::get_if<Indexed>(&step.params);
  if (how == nullptr) return nullptr;
  if (step.inputs.size() > 2) {
    const Buffer& updates = plan.buffer(step.inputs[2]);
    if (updates.dtype != data.dtype || !(updates.quant == data.quant)) return nullptr;
    if (how->update != Indexed::Update::kReplace && !data.quant.empty()) return nullptr;
  }
  return for_number(data.dtype, [&](auto zero) { return make_indexed_of<decltype(zero)>(plan, step, *how); });
}

}  // namespace snapgauge
