// Artifacts there and back: every kind of parameter, encoding and view, constants once, the same bytes for the same
// artifact, and signatures. What is damaged or lies is in artifact_damage_test.cc.
#include "artifact/artifact.h"

#include <gmock/gmock.h>

#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <tuple>

#include "artifact/file_format.h"
#include "unit/artifact_plans.h"

namespace snapgauge {
namespace {

using namespace artifact_test;
using testing::HasSubstr;

void expect_same(const Buffer& a, const Buffer& b, const Plan& in_a, const Plan& in_b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.dtype, b.dtype);
  EXPECT_EQ(a.role, b.role);
  EXPECT_EQ(a.dims, b.dims);
  EXPECT_EQ(a.quant, b.quant);
  EXPECT_EQ(a.same_bytes, b.same_bytes);
  EXPECT_TRUE(std::ranges::equal(a.data, b.data)) << a.name;
  if (a.role != BufferRole::kConstant || !a.same_bytes.valid()) return;
  EXPECT_EQ(b.data.data(), in_b.buffer(b.same_bytes).data.data()) << "a view has its owner's bytes";
  EXPECT_EQ(a.data.data(), in_a.buffer(a.same_bytes).data.data());
}

/// Of floats the bits, so that -0 is not 0.
std::vector<uint32_t> bits_of(const StepParams& params) {
  if (const auto* e = std::get_if<Elementwise>(&params))
    return {std::bit_cast<uint32_t>(e->a), std::bit_cast<uint32_t>(e->b)};
  if (const auto* o = std::get_if<OverAxes>(&params)) return {std::bit_cast<uint32_t>(o->epsilon)};
  if (const auto* p = std::get_if<Padding>(&params)) return {std::bit_cast<uint32_t>(p->value)};
  return {};
}

void expect_same(const Plan& a, const Plan& b) {
  ASSERT_EQ(a.buffers.size(), b.buffers.size());
  for (size_t i = 0; i < a.buffers.size(); ++i) expect_same(a.buffers[i], b.buffers[i], a, b);
  ASSERT_EQ(a.steps.size(), b.steps.size());
  for (size_t i = 0; i < a.steps.size(); ++i) {
    SCOPED_TRACE(step_name(a.steps[i].kind));
    EXPECT_EQ(a.steps[i].kind, b.steps[i].kind);
    EXPECT_EQ(a.steps[i].node, b.steps[i].node);
    EXPECT_EQ(a.steps[i].inputs, b.steps[i].inputs);
    EXPECT_EQ(a.steps[i].output, b.steps[i].output);
    EXPECT_EQ(a.steps[i].params, b.steps[i].params);
    EXPECT_EQ(bits_of(a.steps[i].params), bits_of(b.steps[i].params));
    EXPECT_EQ(a.steps[i].executor, b.steps[i].executor);
  }
  EXPECT_EQ(a.inputs, b.inputs);
  EXPECT_EQ(a.outputs, b.outputs);
  EXPECT_EQ(a.output_names, b.output_names);
  EXPECT_EQ(a.parts, b.parts);
}

void expect_same(const Artifact& a, const Artifact& b) {
  EXPECT_EQ(a.tool_version, b.tool_version);
  EXPECT_EQ(a.mode, b.mode);
  EXPECT_EQ(std::tie(a.backend, a.soc, a.arch, a.sdk, a.pipeline, a.vtcm_mb),
            std::tie(b.backend, b.soc, b.arch, b.sdk, b.pipeline, b.vtcm_mb));
  EXPECT_EQ(a.options, b.options);
  ASSERT_EQ(a.graphs.size(), b.graphs.size());
  for (size_t g = 0; g < a.graphs.size(); ++g) {
    EXPECT_EQ(std::tie(a.graphs[g].name, a.graphs[g].source, a.graphs[g].backend_graph, a.graphs[g].falls_back),
              std::tie(b.graphs[g].name, b.graphs[g].source, b.graphs[g].backend_graph, b.graphs[g].falls_back));
    expect_same(a.graphs[g].plan, b.graphs[g].plan);
  }
}

std::vector<Plan> all_plans() {
  std::vector<Plan> out;
  out.push_back(plan_of_all_params());
  out.push_back(plan_of_encodings());
  return out;
}

KeyPair keys_of(uint8_t number) {
  std::array<std::byte, 32> seed{};
  seed.fill(std::byte{number});
  return keys_from_seed(seed).value();
}

// ---- There and back ----

TEST_F(Artifacts, EverythingComesBack) {
  const Artifact artifact = artifact_of(all_plans());
  // A new member of the variant needs a step here.
  std::set<size_t> alternatives;
  for (const Step& step : artifact.graphs[0].plan.steps) alternatives.insert(step.params.index());
  EXPECT_EQ(alternatives.size(), std::variant_size_v<StepParams>);
  (void)written(artifact);
  EXPECT_TRUE(is_artifact(path("a.sgb")));
  const auto read = read_artifact(path("a.sgb"));
  ASSERT_TRUE(read) << read.error().message();
  expect_same(artifact, read.value().artifact);
  EXPECT_FALSE(read.value().layout.signature);
}

TEST_F(Artifacts, TheSameTwiceIsTheSameBytes) {
  const std::string first = written(artifact_of(all_plans()));
  EXPECT_TRUE(written(artifact_of(all_plans())) == first);
  const auto read = parsed(first);
  ASSERT_TRUE(read);
  EXPECT_TRUE(written(read.value().artifact) == first) << "nor does reading change it";
}

TEST_F(Artifacts, EqualConstantsOfAllGraphsLieOnce) {
  std::vector<Plan> plans, one;
  for (const uint8_t first : std::array<uint8_t, 3>{0, 0, 0}) plans.push_back(plan_of_encodings(first));
  one.push_back(plan_of_encodings(0));
  const auto read_one = parsed(written(artifact_of(std::move(one))));
  const auto read = parsed(written(artifact_of(std::move(plans))));
  ASSERT_TRUE(read_one && read);
  const ArtifactLayout &single = read_one.value().layout, &shared = read.value().layout;
  EXPECT_EQ(single.weights_bytes, 64U + 64U + 64U) << "54, 2 and 48 bytes at multiples of 64";
  EXPECT_EQ(shared.weights_bytes, single.weights_bytes);
  EXPECT_EQ(single.constants, 3U);
  EXPECT_EQ(single.constant_bytes, 54U + 2U + 48U);
  EXPECT_EQ(shared.constants, 9U);
  EXPECT_EQ(shared.constant_bytes, 3 * single.constant_bytes);
  const auto& graphs = read.value().artifact.graphs;
  EXPECT_EQ(graphs[0].plan.buffers[1].data.data(), graphs[2].plan.buffers[1].data.data());
  // Others lie beside them.
  std::vector<Plan> other;
  for (const uint8_t first : std::array<uint8_t, 2>{0, 1}) other.push_back(plan_of_encodings(first));
  const auto apart = parsed(written(artifact_of(std::move(other))));
  ASSERT_TRUE(apart);
  EXPECT_EQ(apart.value().layout.weights_bytes, single.weights_bytes + 64 + 64);
}

TEST_F(Artifacts, AConstantThatIsTheBeginningOfAnotherIsItself) {
  Planner p({2});
  const BufferId longer = p.constant({32}, 1, DType::kUint8), shorter = p.constant({16}, 1, DType::kUint8),
                 none = p.constant({0}, 1, DType::kUint8);
  p.step(StepKind::kForeign, {2}, Foreign{"f", 0}, {longer, shorter, none});
  const Artifact artifact = artifact_of(p.finish());
  const auto read = parsed(written(artifact));
  ASSERT_TRUE(read) << read.error().message();
  expect_same(artifact, read.value().artifact);
}

TEST_F(Artifacts, OnlyWhatIsReachedIsWritten) {
  const std::string small = written(artifact_of(plan_of_encodings()));
  Plan more = plan_of_encodings();
  Buffer unread = more.buffers[1];
  const auto blob = more.add_blob(1 << 20);
  unread.dims = {1 << 20};
  unread.quant = {};
  unread.data = blob;
  more.add(unread);
  unread.role = BufferRole::kTemporary;
  more.add(unread);
  EXPECT_TRUE(written(artifact_of(std::move(more))) == small);
}

TEST_F(Artifacts, AnOwnerIsReachedThroughItsView) {
  Planner p({2});
  const BufferId owner = p.constant({2, 3}, 5), view = p.view(owner, {6});
  p.step(StepKind::kForeign, {2}, Foreign{"f", 0}, {view});
  const auto read = parsed(written(artifact_of(p.finish())));
  ASSERT_TRUE(read) << read.error().message();
  const Plan& plan = read.value().artifact.graphs[0].plan;
  const Buffer& seen = plan.buffer(plan.steps[0].inputs[1]);
  EXPECT_EQ(seen.dims, std::vector<int64_t>{6});
  EXPECT_EQ(plan.buffer(seen.same_bytes).dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(seen.data[0], std::byte{5});
}

TEST_F(Artifacts, PlansKeepWhatTheyView) {
  const std::string bytes = written(artifact_of(plan_of_encodings()));
  auto held = std::make_shared<const std::vector<char>>(bytes.begin(), bytes.end());
  const std::weak_ptr<const std::vector<char>> watched = held;
  std::optional<Plan> plan;
  {
    auto read = parse_artifact({held->data(), held->size()}, held, "bytes");
    ASSERT_TRUE(read);
    held.reset();
    plan = std::move(read.value().artifact.graphs[0].plan);
  }
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(plan->buffers[1].data[53], std::byte{53});
  plan.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_F(Artifacts, AreKnownByTheirBeginning) {
  EXPECT_FALSE(is_artifact(path("missing")));
  EXPECT_FALSE(is_artifact(file("empty", "")));
  EXPECT_FALSE(is_artifact(file("short", "SNAPSGB")));
  EXPECT_TRUE(is_artifact(file("magic", "SNAPSGB\n")));
  EXPECT_FALSE(read_artifact(path("magic")));
  EXPECT_FALSE(read_artifact(path("missing")));
}

// ---- Signatures ----

TEST_F(Artifacts, ASignatureIsAppendedAndReplaced) {
  const std::string plain = written(artifact_of(all_plans()));
  const KeyPair mine = keys_of(1), other = keys_of(2);
  ASSERT_TRUE(sign_artifact(path("a.sgb"), mine.secret_key));
  const std::string once = content(path("a.sgb"));
  EXPECT_EQ(once.size(), plain.size() + sizeof(SignatureBlock));
  EXPECT_TRUE(once.substr(0, plain.size()) == plain);
  ASSERT_TRUE(sign_artifact(path("a.sgb"), mine.secret_key));
  EXPECT_TRUE(content(path("a.sgb")) == once) << "the same again";
  ASSERT_TRUE(sign_artifact(path("a.sgb"), other.secret_key));
  const std::string twice = content(path("a.sgb"));
  EXPECT_EQ(twice.size(), once.size());
  EXPECT_TRUE(twice.substr(0, plain.size()) == plain);
  EXPECT_TRUE(twice != once);
  const auto read = read_artifact(path("a.sgb"));
  ASSERT_TRUE(read) << "whom nobody has to trust";
  ASSERT_TRUE(read.value().layout.signature);
  EXPECT_EQ(read.value().layout.signature->signer, other.public_key);
  expect_same(artifact_of(all_plans()), read.value().artifact);
}

TEST_F(Artifacts, ASignedCopyLeavesTheOriginal) {
  const std::string plain = written(artifact_of(all_plans()));
  ASSERT_TRUE(sign_artifact(path("a.sgb"), keys_of(1).secret_key, path("b.sgb")));
  EXPECT_TRUE(content(path("a.sgb")) == plain);
  EXPECT_TRUE(read_artifact(path("b.sgb")).value().layout.signature);
}

TEST_F(Artifacts, OnlyTheTrustedKeysAreTaken) {
  const std::string plain = written(artifact_of(all_plans()));
  const KeyPair mine = keys_of(1), other = keys_of(2);
  const auto unsigned_one = parsed(plain, &mine.public_key);
  ASSERT_FALSE(unsigned_one);
  EXPECT_EQ(unsigned_one.error().code, ErrorCode::kUsage);
  EXPECT_EQ(unsigned_one.error().message(), "bytes: is not signed, and a signature is required");
  ASSERT_TRUE(sign_artifact(path("a.sgb"), mine.secret_key));
  const std::string bytes = content(path("a.sgb"));
  EXPECT_TRUE(parsed(bytes, &mine.public_key));
  EXPECT_TRUE(read_artifact(path("a.sgb"), &mine.public_key));
  const auto wrong = parsed(bytes, &other.public_key);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kUsage);
  EXPECT_EQ(wrong.error().subject, "bytes");
  EXPECT_THAT(wrong.error().text, HasSubstr(fingerprint(mine.public_key)));
}

TEST_F(Artifacts, ASignatureOfOtherContentIsRefused) {
  const KeyPair mine = keys_of(1);
  const std::string first = written(artifact_of(plan_of_encodings(0)));
  const std::string second = written(artifact_of(plan_of_encodings(1)));
  ASSERT_TRUE(sign_artifact(path("a.sgb"), mine.secret_key));
  const std::string block = content(path("a.sgb")).substr(second.size());
  EXPECT_TRUE(parsed(second + block, &mine.public_key));
  EXPECT_TRUE(parsed(first + block)) << "nobody asked";
  const auto swapped = parsed(first + block, &mine.public_key);
  ASSERT_FALSE(swapped);
  EXPECT_EQ(swapped.error().code, ErrorCode::kParse);
  // Who says to be another signer.
  SignatureBlock forged;
  std::memcpy(static_cast<void*>(&forged), block.data(), sizeof forged);
  const PublicKey other = keys_of(2).public_key;
  forged.signer = other.bytes;
  EXPECT_FALSE(parsed(second + std::string(bytes_of(forged)), &mine.public_key));
  EXPECT_FALSE(parsed(second + std::string(bytes_of(forged)), &other));
}

}  // namespace
}  // namespace snapgauge
