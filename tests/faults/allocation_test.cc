// Memory that is short, wherever it is asked for while a model is loaded and run: one clear error, or the right result;
// nothing crashes and nothing leaks out of a failed load. The program's own allocations are counted, and one of them
// fails.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "snapgauge/run.h"

namespace {

std::atomic<int64_t> allocations = 0, failing = -1;

bool is_failing() { return allocations++ == failing; }

void* take(std::size_t size) {
  if (is_failing()) throw std::bad_alloc();
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return is_failing() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return is_failing() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

/// The arena's and scratch memory's.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
  void* p = nullptr;
  return is_failing() || ::posix_memalign(&p, alignment, size) != 0 ? nullptr : p;
}

namespace snapgauge {
namespace {

std::unique_ptr<const Model> load(std::string* error) {
  static const std::string path = SNAPGAUGE_SOURCE_DIR "/tests/data/runs/kws_dscnn.u8s8_pc.onnx";
  static const CheckTarget target;
  static const TableSource tables = [] {
    TableSource out;
    out.database = SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db";
    return out;
  }();
  return Model::load(path, target, tables, error);
}

class Bytes {
 public:
  explicit Bytes(const std::vector<RunTensor>& tensors) {
    for (const RunTensor& t : tensors) all_.emplace_back(t.bytes, std::byte{1});
    for (auto& one : all_) {
      written.emplace_back(one);
      read.emplace_back(one);
    }
  }
  std::vector<std::span<std::byte>> written;
  std::vector<std::span<const std::byte>> read;
  bool operator==(const Bytes& other) const { return all_ == other.all_; }

 private:
  std::vector<std::vector<std::byte>> all_;
};

/// How many allocations `work` makes.
template <class Work>
int64_t count(Work work) {
  allocations = 0;
  work();
  return allocations;
}

/// Fails one allocation in `work` after the other, at most `tries` of them, spread evenly.
template <class Work>
void fail_each(int64_t all, int64_t tries, Work work) {
  for (int64_t i = 0; i < std::min(all, tries); ++i) {
    const int64_t which = all <= tries ? i : i * all / tries;
    std::string error;
    error.reserve(512);
    allocations = 0;
    failing = which;
    const bool done = work(&error);
    failing = -1;
    EXPECT_TRUE(done || !error.empty()) << "allocation " << which << " of " << all;
  }
}

TEST(ShortMemory, FailsALoadWithOneError) {
  ASSERT_NE(load(nullptr), nullptr);
  const int64_t all = count([] { (void)load(nullptr); });
  ASSERT_GT(all, 100);
  int64_t refused = 0;
  fail_each(all, 2000, [&](std::string* error) {
    const bool done = load(error) != nullptr;
    refused += done ? 0 : 1;
    return done;
  });
  EXPECT_GT(refused, 100);
}

TEST(ShortMemory, FailsARunWithOneErrorAndTheNextIsRight) {
  const auto model = load(nullptr);
  ASSERT_NE(model, nullptr);
  const Bytes inputs(model->inputs());
  const Bytes right(model->outputs());
  ASSERT_TRUE(model->run(inputs.read, right.written, nullptr));
  Bytes again(model->outputs());
  const int64_t all = count([&] { (void)model->run(inputs.read, again.written, nullptr); });
  ASSERT_GT(all, 1);
  int64_t refused = 0;
  fail_each(all, 2000, [&](std::string* error) {
    const bool done = model->run(inputs.read, again.written, error);
    refused += done ? 0 : 1;
    return done;
  });
  EXPECT_GT(refused, 1);
  Bytes last(model->outputs());
  ASSERT_TRUE(model->run(inputs.read, last.written, nullptr));
  EXPECT_TRUE(last == right);
}

}  // namespace
}  // namespace snapgauge
