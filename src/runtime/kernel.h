// Within runtime: what executes one step. Kernels are made once, when a plan is loaded, and hold what can be prepared
// of constants; running one changes nothing in it, so several threads may run the same.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include "base/result.h"
#include "plan/plan.h"

namespace snapgauge {

/// The bytes of a plan's buffers during one run.
class Memory {
 public:
  Memory(const Plan& plan, std::byte* arena, std::byte* scratch) : plan_(plan), arena_(arena), scratch_(scratch) {}

  template <class T>
  const T* read(BufferId id) const {
    const Buffer& b = plan_.buffer(id);
    return reinterpret_cast<const T*>(b.role == BufferRole::kConstant ? b.data.data() : arena_ + b.offset);
  }
  template <class T>
  T* write(BufferId id) const {
    return reinterpret_cast<T*>(arena_ + plan_.buffer(id).offset);
  }
  /// Kernel::scratch() bytes, 64-byte aligned; their content is nobody's.
  template <class T>
  T* scratch() const {
    return reinterpret_cast<T*>(scratch_);
  }

 private:
  const Plan& plan_;
  std::byte* arena_;
  std::byte* scratch_;
};

class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;
  virtual uint64_t scratch() const { return 0; }
  virtual void run(const Memory& memory) const = 0;
};

/// Null where no kernel takes the step's types.
using MadeKernel = std::unique_ptr<Kernel>;
MadeKernel make_product(const Plan& plan, const Step& step);      // products.cc
MadeKernel make_elementwise(const Plan& plan, const Step& step);  // elementwise.cc
MadeKernel make_conversion(const Plan& plan, const Step& step);   // conversions.cc
MadeKernel make_movement(const Plan& plan, const Step& step);     // movement.cc
MadeKernel make_indexed(const Plan& plan, const Step& step);      // indexed.cc
MadeKernel make_reduction(const Plan& plan, const Step& step);    // reductions.cc
MadeKernel make_window(const Plan& plan, const Step& step);       // windows.cc

/// A kernel of a function, which holds what the function needs.
template <class Run>
class FunctionKernel final : public Kernel {
 public:
  explicit FunctionKernel(Run run) : run_(std::move(run)) {}
  void run(const Memory& memory) const override { run_(memory); }

 private:
  Run run_;
};
template <class Run>
MadeKernel kernel_of(Run run) {
  return std::make_unique<FunctionKernel<Run>>(std::move(run));
}

/// Calls `use` with a value of the C++ type of a stored number; null when there is none.
template <class Use>
MadeKernel for_number(DType dtype, Use use) {
  switch (dtype) {
    case DType::kFloat32: return use(float{});
    case DType::kFloat64: return use(double{});
    case DType::kInt8: return use(int8_t{});
    case DType::kUint8:
    case DType::kBool8: return use(uint8_t{});
    case DType::kInt16: return use(int16_t{});
    case DType::kUint16: return use(uint16_t{});
    case DType::kInt32: return use(int32_t{});
    case DType::kUint32: return use(uint32_t{});
    case DType::kInt64: return use(int64_t{});
    default: return nullptr;
  }
}

/// The same of the types that quantized activations and weights have.
template <class Use>
MadeKernel for_quantized(DType dtype, Use use) {
  switch (dtype) {
    case DType::kInt8: return use(int8_t{});
    case DType::kUint8: return use(uint8_t{});
    case DType::kInt16: return use(int16_t{});
    case DType::kUint16: return use(uint16_t{});
    case DType::kInt32: return use(int32_t{});
    default: return nullptr;
  }
}

/// Dimensions around an axis: everything before it, its size, everything behind it.
struct AroundAxis {
  int64_t outer = 1, size = 1, inner = 1;

  AroundAxis(std::span<const int64_t> dims, size_t axis) {
    for (size_t i = 0; i < dims.size(); ++i) (i < axis ? outer : i == axis ? size : inner) *= dims[i];
  }
};

}  // namespace snapgauge
