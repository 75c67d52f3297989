// Artifacts that were cut off, altered, or made by somebody who lies with right hashes: one error each, and the file
// stays what it was.
#include <flatbuffers/flatbuffers.h>
#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <functional>

#include "artifact/artifact_generated.h"
#include "artifact/file_format.h"
#include "base/content_hash.h"
#include "unit/artifact_plans.h"

namespace snapgauge {
namespace {

using namespace artifact_test;
using testing::HasSubstr;

ArtifactHeader header_of(std::string_view bytes) {
  ArtifactHeader out;
  std::memcpy(static_cast<void*>(&out), bytes.data(), sizeof out);
  return out;
}

/// With the hash that belongs to it.
std::string with_header(std::string bytes, ArtifactHeader header) {
  header.header_hash = hash_of(header);
  return bytes.replace(0, sizeof header, bytes_of(header));
}

/// Sections with right hashes, whatever is in them.
std::string sealed(std::string_view structure, std::string_view weights) {
  const ArtifactHeader header = header_for(structure, weights.size(), content_hash(weights));
  std::string out(kHeaderBytes, '\0');
  out += structure;
  out.resize(header.weights_offset);
  out += weights;
  return with_header(out, header);
}

void expect_damaged(std::string_view bytes, const std::string& why, const std::string& what) {
  const auto read = parsed(bytes);
  ASSERT_FALSE(read) << what;
  EXPECT_EQ(read.error().code, ErrorCode::kParse) << what;
  EXPECT_EQ(read.error().subject, "bytes") << what;
  EXPECT_THAT(read.error().text, HasSubstr(why)) << what;
}

KeyPair keys() {
  std::array<std::byte, 32> seed{};
  seed.fill(std::byte{1});
  return keys_from_seed(seed).value();
}

// ---- Cut off and altered ----

TEST_F(Artifacts, EveryTruncationIsAnError) {
  const std::string bytes = written(artifact_of(plan_of_encodings()));
  ASSERT_TRUE(parsed(bytes));
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto read = parsed(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, ErrorCode::kParse);
  }
  expect_damaged(bytes + '\0', "something behind its end", "longer");
}

TEST_F(Artifacts, EveryAlteredByteIsAnError) {
  std::string bytes = written(artifact_of(plan_of_encodings()));
  for (size_t i = 0; i < bytes.size(); ++i)
    for (const unsigned bit : {1U, 128U}) {
      bytes[i] = static_cast<char>(bytes[i] ^ static_cast<char>(bit));
      ASSERT_FALSE(parsed(bytes)) << i;
      bytes[i] = static_cast<char>(bytes[i] ^ static_cast<char>(bit));
    }
  EXPECT_TRUE(parsed(bytes));
}

TEST_F(Artifacts, EveryAlteredByteOfASignedOneIsAnError) {
  (void)written(artifact_of(plan_of_encodings()));
  const KeyPair mine = keys();
  ASSERT_TRUE(sign_artifact(path("a.sgb"), mine.secret_key));
  std::string bytes = content(path("a.sgb"));
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    ASSERT_FALSE(parsed(bytes, &mine.public_key)) << i;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
  }
  EXPECT_TRUE(parsed(bytes, &mine.public_key));
}

TEST_F(Artifacts, EveryFieldOfTheHeaderIsChecked) {
  for (const bool has_weights : {true, false}) {
    Planner none({2});
    none.step(StepKind::kCopy, {2}, {});
    const std::string bytes = written(artifact_of(has_weights ? plan_of_encodings() : none.finish()));
    ASSERT_TRUE(parsed(with_header(bytes, header_of(bytes))));
    using Field = uint64_t ArtifactHeader::*;
    for (const Field field :
         {&ArtifactHeader::structure_offset, &ArtifactHeader::structure_bytes, &ArtifactHeader::structure_hash,
          &ArtifactHeader::weights_offset, &ArtifactHeader::weights_bytes, &ArtifactHeader::weights_hash})
      for (const uint64_t by : {uint64_t{1}, uint64_t{64}, uint64_t{0} - 64, uint64_t{0} - 1, uint64_t{1} << 31,
                                uint64_t{1} << 63, uint64_t{0} - (header_of(bytes).*field)}) {
        if (by == 0) continue;  // it was 0
        ArtifactHeader header = header_of(bytes);
        header.*field += by;
        const auto read = parsed(with_header(bytes, header));
        ASSERT_FALSE(read) << by;
        EXPECT_EQ(read.error().code, ErrorCode::kParse);
      }
    ArtifactHeader header = header_of(bytes);
    header.version = 2;
    expect_damaged(with_header(bytes, header), "of version 2; this program reads version 1", "version");
    header = header_of(bytes);
    header.header_bytes += 64;
    expect_damaged(with_header(bytes, header), "header of another length", "header_bytes");
    header = header_of(bytes);
    header.magic[0] = 's';
    expect_damaged(with_header(bytes, header), "is no artifact", "magic");
    header = header_of(bytes);
    header.weights_hash ^= 1;
    std::string unsealed = bytes;
    expect_damaged(unsealed.replace(0, sizeof header, bytes_of(header)), "hash of its header", "header_hash");
  }
}

TEST_F(Artifacts, WhatIsDamagedIsNotSigned) {
  std::string bytes = written(artifact_of(plan_of_encodings()));
  bytes[bytes.size() - 1] = static_cast<char>(bytes[bytes.size() - 1] ^ 1);
  const std::string damaged = file("damaged", bytes);
  const Status done = sign_artifact(damaged, keys().secret_key);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kParse);
  EXPECT_TRUE(content(damaged) == bytes);
  Plan unsound = plan_of_encodings();
  unsound.outputs.push_back(BufferId{1});
  unsound.output_names.clear();
  const std::string lies = written(artifact_of(std::move(unsound)));
  EXPECT_FALSE(sign_artifact(path("a.sgb"), keys().secret_key)) << "its hashes are right, its plan is not";
  EXPECT_TRUE(content(path("a.sgb")) == lies);
}

// ---- Plans that are not sound: writing does not look at them ----

using Change = std::function<void(Plan&)>;
struct LyingPlan {
  const char* why;
  Change change;
};

Buffer view_of(BufferId owner, std::vector<int64_t> dims) {
  Buffer b;
  b.dims = std::move(dims);
  b.same_bytes = owner;
  return b;
}

/// Of plan_of_encodings().
const std::vector<LyingPlan>& lying_plans() {
  static const std::vector<LyingPlan> all{
      {"the bytes of what has none of its own",
       [](Plan& p) {
         BufferId& operand = p.steps.back().inputs[1];  // a view
         operand = p.add(view_of(operand, {12}));
       }},
      {"another buffer's bytes, but not as many", [](Plan& p) { p.buffer(p.steps.back().inputs[1]).dims = {11}; }},
      {"has 34 as a kind of step", [](Plan& p) { p.steps[0].kind = static_cast<StepKind>(34); }},
      {"has 2 as an executor", [](Plan& p) { p.steps[0].executor = Executor::kBetween; }},
      {"as a datatype", [](Plan& p) { p.buffers[0].dtype = static_cast<DType>(99); }},
      {"has 3 as a role", [](Plan& p) { p.buffers[0].role = static_cast<BufferRole>(3); }},
      {"has 255 as a function",
       [](Plan& p) {
         p.steps[1].params = Elementwise{static_cast<Function>(255), 0, 0};
       }},
      {"has 54 as a function",
       [](Plan& p) {
         p.steps[1].params = OverAxes{{}, 0, static_cast<Function>(54)};
       }},
      {"has 3 as a way to pad",
       [](Plan& p) {
         p.steps[1].params = Padding{static_cast<Padding::Mode>(3), {}, 0};
       }},
      {"has 4 as a rounding",
       [](Plan& p) {
         p.steps[1].params = Resizing{static_cast<Resizing::Nearest>(4), false, false, false, false};
       }},
      {"has 3 as an update",
       [](Plan& p) {
         p.steps[1].params = Indexed{static_cast<Indexed::Update>(3), 0, 0};
       }},
      {"no type that can be stored", [](Plan& p) { p.buffers[0].dtype = DType::kUndefined; }},
      {"before it is written", [](Plan& p) { std::swap(p.steps[0], p.steps[2]); }},
      {"writes", [](Plan& p) { p.steps[1].output = p.steps[0].output; }},
      {"writes no buffer", [](Plan& p) { p.steps.back().output = {}; }},
      {"outputs without names", [](Plan& p) { p.output_names.clear(); }},
      {"never written", [](Plan& p) { p.outputs = {BufferId{}}; }},
      {"no buffer of the caller's", [](Plan& p) { p.inputs = {p.outputs[0]}; }},
      {"has the shape", [](Plan& p) { p.buffers[0].dims = {-1}; }},
      {"unequal numbers", [](Plan& p) { p.buffers[0].quant.zero_points.clear(); }},
      {"scales that do not fit", [](Plan& p) { p.buffers[1].quant.axis = 2; }},
      {"no possible size", [](Plan& p) { p.buffers[1].dims[0] = -3; }},
      {"no possible size", [](Plan& p) { p.buffers[1].dims[0] = int64_t{1} << 40; }},
      {"beyond its weights", [](Plan& p) { p.buffers[1].dims[0] = 1000; }},
      {"has no sound window",
       [](Plan& p) {
         std::get<Window>(p.steps[0].params).stride = {0, 1};
       }},
      {"does not say what it is", [](Plan& p) { p.steps[1].params = {}; }},
  };
  return all;
}

TEST_F(Artifacts, PlansThatAreNotSoundAreRefused) {
  for (size_t i = 0; i < lying_plans().size(); ++i) {
    Plan plan = plan_of_encodings();
    lying_plans()[i].change(plan);
    expect_damaged(written(artifact_of(std::move(plan))), lying_plans()[i].why, lying_plans()[i].why);
  }
}

TEST_F(Artifacts, GraphsHaveNamesOfTheirOwn) {
  Artifact artifact = artifact_of(plan_of_encodings());
  artifact.graphs.push_back(artifact.graphs[0]);
  expect_damaged(written(artifact), "two graphs of one name", "names");
  artifact.graphs.clear();
  expect_damaged(written(artifact), "has no graph", "none");
}

TEST_F(Artifacts, ConstantsBeyondTheWeightsAreRefused) {
  const std::string bytes = written(artifact_of(plan_of_encodings()));
  const ArtifactHeader header = header_of(bytes);
  const std::string structure = bytes.substr(header.structure_offset, header.structure_bytes);
  const std::string weights = bytes.substr(header.weights_offset, header.weights_bytes);
  EXPECT_TRUE(sealed(structure, weights) == bytes);
  for (const size_t kept : {0U, 1U, 64U, 128U, 128U + 47U})
    expect_damaged(sealed(structure, weights.substr(0, kept)), "a constant beyond its weights", std::to_string(kept));
  EXPECT_TRUE(parsed(sealed(structure, weights.substr(0, 128 + 48)))) << "only padding is gone";
}

// ---- Structures that no plan makes ----

/// A plan of one step of one constant, by hand.
struct Structure {
  uint64_t offset = 0, words = vocabulary();
  uint32_t view = BufferId::kNone;
  fb::Params type = fb::Params::NONE;
  uint8_t kind = static_cast<uint8_t>(StepKind::kCopy);
  std::function<flatbuffers::Offset<void>(flatbuffers::FlatBufferBuilder&)> params = {};
  bool has_tables = true;

  std::string file() const {
    flatbuffers::FlatBufferBuilder b;
    const auto buffer = [&](BufferRole role, uint32_t same_bytes, uint64_t at) {
      const auto dims = b.CreateVector(std::vector<int64_t>{4});
      return fb::CreateBuffer(b, 0, static_cast<uint8_t>(DType::kFloat32), static_cast<uint8_t>(role), dims, 0, 0, -1,
                              same_bytes, at);
    };
    const auto constant = buffer(BufferRole::kConstant, view, offset);
    const auto result = buffer(BufferRole::kTemporary, BufferId::kNone, 0);
    const auto buffers = b.CreateVector(std::vector{constant, result});
    const auto inputs = b.CreateVector(std::vector<uint32_t>{0});
    const flatbuffers::Offset<void> made = params ? params(b) : flatbuffers::Offset<void>(0);
    const auto step = fb::CreateStep(b, kind, 0, 0, inputs, 1, type, made);
    const auto steps = b.CreateVector(std::vector{step});
    const auto outputs = b.CreateVector(std::vector<uint32_t>{1});
    const auto names = b.CreateVectorOfStrings(std::vector<std::string>{"y"});
    const auto graph =
        has_tables ? fb::CreateGraph(b, 0, 0, 0, 0, buffers, steps, 0, outputs, names) : fb::CreateGraph(b);
    const auto graphs = b.CreateVector(std::vector{graph});
    b.Finish(fb::CreateArtifact(b, 0, words, 0, 0, 0, graphs));
    return sealed({reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()}, std::string(128, 'w'));
  }
};

TEST(ArtifactStructure, OneByHandIsRead) {
  const auto read = parsed(Structure{}.file());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read.value().artifact.graphs[0].plan.buffers[0].data[0], std::byte{'w'});
  EXPECT_TRUE(parsed(Structure{.has_tables = false}.file())) << "a graph of nothing";
}

TEST(ArtifactStructure, ConstantsLieAtMultiplesWithinTheWeights) {
  EXPECT_TRUE(parsed(Structure{.offset = 64}.file()));
  for (const uint64_t offset : {uint64_t{1}, uint64_t{16}, uint64_t{128}, uint64_t{1} << 32, ~uint64_t{63}})
    expect_damaged(Structure{.offset = offset}.file(), "a constant beyond its weights", std::to_string(offset));
}

TEST(ArtifactStructure, ViewsAreOfWhatStandsInFrontOfThem) {
  for (const uint32_t view : {0U, 1U, 7U, 0xFFFFFFFEU})
    expect_damaged(Structure{.view = view}.file(), "another buffer's bytes in front of it", std::to_string(view));
}

TEST(ArtifactStructure, AnotherVocabularyIsAnotherProgram) {
  expect_damaged(Structure{.words = vocabulary() + 1}.file(), "was made by another version of this program", "words");
}

TEST(ArtifactStructure, ParametersThatAreNotThereAreRefused) {
  for (uint8_t type = 1; type <= static_cast<uint8_t>(fb::Params::MAX); ++type)
    expect_damaged(Structure{.type = static_cast<fb::Params>(type)}.file(), "not there", std::to_string(type));
  expect_damaged(Structure{.type = static_cast<fb::Params>(200)}.file(), "not there", "200");
}

TEST(ArtifactStructure, ListsOfTheWrongLengthAreRefused) {
  using Builder = flatbuffers::FlatBufferBuilder;
  const std::vector<std::vector<int64_t>> wrong{{}, {1}, {1, 1, 1}};
  expect_damaged(
      Structure{.type = fb::Params::Window, .params = [](Builder& b) { return fb::CreateWindow(b).Union(); }}.file(),
      "a window that is not one of two dimensions", "none");
  for (const std::vector<int64_t>& list : wrong) {
    const auto window = [&](Builder& b) {
      const auto two = b.CreateVector(std::vector<int64_t>{1, 1}), other = b.CreateVector(list);
      return fb::CreateWindow(b, two, two, two, two, other).Union();
    };
    expect_damaged(Structure{.type = fb::Params::Window, .params = window}.file(), "not one of two dimensions", "w");
    const auto blocks = [&](Builder& b) { return fb::CreateBlocks(b, b.CreateVector(list)).Union(); };
    expect_damaged(Structure{.type = fb::Params::Blocks, .params = blocks}.file(), "not one of two dimensions", "b");
  }
}

TEST(ArtifactStructure, BytesThatAreNoneAreRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("junk"), std::string(4, '\0'), std::string(200, '\xff'), std::string(1000, '\0')})
    expect_damaged(sealed(bytes, ""), "no flatbuffer of an artifact", std::to_string(bytes.size()));
}

}  // namespace
}  // namespace snapgauge
