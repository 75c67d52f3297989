// Plans with everything that an artifact holds, and files of them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "artifact/artifact.h"

namespace snapgauge::artifact_test {

/// Adds buffers in the order in which they are reached, as reading does.
class Planner {
 public:
  explicit Planner(std::vector<int64_t> dims, DType dtype = DType::kFloat32, BufferQuant quant = {}) {
    last_ = add(std::move(dims), dtype, std::move(quant), BufferRole::kInput);
    plan_.inputs = {last_};
  }
  BufferId last() const { return last_; }
  Plan& plan() { return plan_; }

  BufferId add(std::vector<int64_t> dims, DType dtype = DType::kFloat32, BufferQuant quant = {},
               BufferRole role = BufferRole::kTemporary) {
    Buffer b;
    b.name = "t" + std::to_string(plan_.buffers.size());
    b.dims = std::move(dims);
    b.dtype = dtype;
    b.quant = std::move(quant);
    b.role = role;
    return plan_.add(std::move(b));
  }
  /// Bytes that count up from `first`.
  BufferId constant(std::vector<int64_t> dims, uint8_t first, DType dtype = DType::kFloat32, BufferQuant quant = {}) {
    const BufferId id = add(std::move(dims), dtype, std::move(quant), BufferRole::kConstant);
    const auto blob = plan_.add_blob(plan_.buffer(id).bytes());
    for (std::byte& b : blob) b = std::byte{first++};
    plan_.buffer(id).data = blob;
    return id;
  }
  BufferId view(BufferId of, std::vector<int64_t> dims) {
    const Buffer owner = plan_.buffer(of);
    const BufferId id = add(std::move(dims), owner.dtype, {}, owner.role);
    plan_.buffer(id).same_bytes = of;
    plan_.buffer(id).data = owner.data;
    return id;
  }
  /// A step of what the last one made, and of `others`.
  void step(StepKind kind, std::vector<int64_t> dims, StepParams params, const std::vector<BufferId>& others = {},
            DType dtype = DType::kFloat32, BufferQuant quant = {}, Executor executor = Executor::kBackend) {
    std::vector<BufferId> inputs{last_};
    inputs.insert(inputs.end(), others.begin(), others.end());
    last_ = add(std::move(dims), dtype, std::move(quant));
    plan_.steps.push_back(
        {kind, "node" + std::to_string(plan_.steps.size()), inputs, last_, std::move(params), executor});
  }
  Plan finish() {
    plan_.outputs = {last_};
    plan_.output_names = {"y"};
    EXPECT_EQ(verify(plan_), "");
    split(plan_, false);
    return std::move(plan_);
  }

 private:
  Plan plan_;
  BufferId last_;
};

/// One step for each alternative of StepParams.
inline Plan plan_of_all_params() {
  Planner p({1, 4, 4, 2});
  p.step(StepKind::kConvolution, {1, 5, 3, 2}, Window{{2, 2}, {1, 2}, {1, 2}, {1, 0}, {1, 3}, 2, true},
         {p.constant({2, 2, 1, 2}, 1)});
  p.step(StepKind::kUnary, {1, 5, 3, 2}, Elementwise{Function::kClip, -0.0F, std::numeric_limits<float>::infinity()});
  p.step(StepKind::kLayerNorm, {1, 5, 3, 2}, OverAxes{{1, 2, 3}, 1e-5F, Function::kMean},
         {BufferId{}, p.constant({5, 3, 2}, 9)});
  p.step(StepKind::kTranspose, {1, 2, 5, 3}, Permutation{{0, 3, 1, 2}}, {}, DType::kFloat32, {}, Executor::kCpu);
  p.step(StepKind::kSlice, {1, 2, 2, 3}, Region{{0, 0, 4, 0}, {1, 1, -3, 1}});
  p.step(StepKind::kPad, {1, 2, 4, 7}, Padding{Padding::Mode::kReflect, {0, 0, 1, 2}, -0.0F});
  p.step(StepKind::kResize, {1, 4, 8, 7}, Resizing{Resizing::Nearest::kCeil, true, true, true, true});
  p.step(StepKind::kSpaceToDepth, {1, 2, 2, 56}, Blocks{{2, 4}, true});
  p.step(StepKind::kGatherNd, {1, 2, 2, 56}, Indexed{Indexed::Update::kMul, 3, 1},
         {p.constant({1, 2, 1}, 0, DType::kInt32)});
  p.step(StepKind::kCumulate, {1, 2, 2, 56}, Cumulation{3, true, true});
  p.step(StepKind::kForeign, {2, 3}, Foreign{"Fft", 2}, {}, DType::kFloat32, {}, Executor::kCpu);
  p.step(StepKind::kCopy, {6}, {}, {}, DType::kFloat32, {}, Executor::kCpu);
  return p.finish();
}

/// Encodings of all kinds, views of constants and of what is computed.
inline Plan plan_of_encodings(uint8_t first = 0) {
  Planner p({1, 3, 3, 2}, DType::kUint8, {{0.5F}, {128}, -1});
  const BufferId weights = p.constant({3, 3, 2, 3}, first, DType::kInt8, {{0.1F, 1e-30F, 3e38F}, {0, -128, 127}, 3});
  p.step(StepKind::kConvolution, {1, 1, 1, 3}, Window{{3, 3}}, {weights}, DType::kInt16,
         {{0.25F, 2, 4}, {-32768, 0, 7}, 3});
  const BufferId four = p.constant({3}, first, DType::kInt4, {{1}, {-8}, -1});
  const BufferId wide = p.constant({2, 6}, 77, DType::kFloat32), narrow = p.view(wide, {12, 1});
  p.step(StepKind::kForeign, {4, 3}, Foreign{"", 0}, {four, narrow, wide}, DType::kFloat32, {}, Executor::kCpu);
  const BufferId seen = p.view(p.last(), {12});
  p.step(StepKind::kForeign, {}, Foreign{"Of \"two\"\n", 1}, {seen}, DType::kInt64, {}, Executor::kCpu);
  return p.finish();
}

inline Artifact artifact_of(std::vector<Plan> plans) {
  Artifact out;
  out.tool_version = "0.1.0";
  out.mode = "border-fallback";
  out.backend = "htp", out.soc = "SM8850", out.arch = "V81", out.sdk = "2.44", out.pipeline = "qnn";
  out.vtcm_mb = 8;
  out.options = {{"precision", "fp16"}, {"soc_model", "SM8850"}, {"library_path", ""}};
  for (Plan& plan : plans) {
    const std::string name = out.graphs.empty() ? "forward" : "graph " + std::to_string(out.graphs.size());
    out.graphs.push_back({name, "model.onnx", "conv: Conv2d()\n", {"a", "", "b"}, std::move(plan)});
  }
  return out;
}
inline Artifact artifact_of(Plan plan) {
  std::vector<Plan> plans;
  plans.push_back(std::move(plan));
  return artifact_of(std::move(plans));
}

inline std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder of its own for each test.
class Artifacts : public testing::Test {
 protected:
  Artifacts()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("artifacts_" + std::to_string(::getpid()) + "_" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Artifacts() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  std::string written(const Artifact& artifact) const {
    const Status done = write_artifact(path("a.sgb"), artifact);
    EXPECT_TRUE(done) << done.error().message();
    return content(path("a.sgb"));
  }
  std::string file(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

  std::filesystem::path folder_;
};

/// From a place of their own, that the plans keep.
inline Result<ReadArtifact> parsed(std::string_view bytes, const PublicKey* trusted = nullptr) {
  const auto held = std::make_shared<const std::vector<char>>(bytes.begin(), bytes.end());
  return parse_artifact({held->data(), held->size()}, held, "bytes", trusted);
}

}  // namespace snapgauge::artifact_test
