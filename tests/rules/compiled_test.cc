// What was compiled when the database was built is what compiling its tables gives: for every op of every backend,
// pipeline and SDK version, every row of an op map, and the targets. Damage in it is an error, never another answer.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <tuple>

#include "api/session.h"
#include "backend/opmap_codec.h"
#include "opinfo/database_file.h"
#include "rules/op_table.h"

namespace snapgauge {
namespace {

std::string database_path() { return std::string(SNAPGAUGE_BINARY_DIR) + "/share/snapgauge/opinfo.db"; }

const Database& shipped() {
  static const auto* const database = [] {
    auto opened = Database::open(database_path());
    EXPECT_TRUE(opened) << opened.error().message();
    return new Database(std::move(opened).value());
  }();
  return *database;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A database file of the test's own, gone with it.
class File {
 public:
  explicit File(const std::string& bytes)
      : path_(std::filesystem::temp_directory_path() / ("compiled_test_" + std::to_string(::getpid()) + ".db")) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~File() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// The shipped tables with another section behind them.
std::string with_section(std::string_view section) {
  const std::string file = read(database_path());
  const auto parts = opinfo::unsealed(std::as_bytes(std::span(file)), "");
  EXPECT_TRUE(parts);
  return opinfo::sealed(file.substr(0, parts.value().image.size()), section);
}

bool same(const PredicateGate& a, const PredicateGate& b) {
  const auto values = [](const PredicateGate& g) {
    return std::tie(*g.row, g.configs, g.bits, g.dtypes, g.encodings, g.side, g.first, g.last, g.decides, g.rank_min,
                    g.rank_max);
  };
  return values(a) == values(b);
}

void expect_same(const CompiledOp& a, const CompiledOp& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.joint, b.joint);
  EXPECT_EQ(a.columns, b.columns);
  EXPECT_EQ(a.configs, b.configs);
  EXPECT_EQ(a.variants, b.variants);
  EXPECT_EQ(a.predicates, b.predicates);
  EXPECT_EQ(a.master, b.master);
  EXPECT_EQ(a.master_dtypes, b.master_dtypes);
  EXPECT_EQ(a.facts, b.facts);
  EXPECT_EQ(a.converts, b.converts);
  EXPECT_EQ(a.in_slots, b.in_slots);
  EXPECT_EQ(a.out_slots, b.out_slots);
  for (const auto gates :
       {&CompiledOp::gates, &CompiledOp::master_gates, &CompiledOp::fact_gates, &CompiledOp::shape_gates})
    EXPECT_TRUE(std::equal((a.*gates).begin(), (a.*gates).end(), (b.*gates).begin(), (b.*gates).end(), same));
}

/// The latest version and those at which anything changes; with `between` also one behind each of these.
std::vector<SdkVersion> versions(bool between) {
  static const auto* const turns = [] {
    auto* out = new std::set<SdkVersion>();
    const auto names = shipped().op_names();
    for (const std::string& op : names.value()) {
      const auto turns_of_op = shipped().turns(op);
      for (const SdkVersion v : turns_of_op.value()) out->insert(v);
    }
    return out;
  }();
  EXPECT_GT(turns->size(), 5U);
  std::vector<SdkVersion> out{kLatestSdk};
  for (const SdkVersion v : *turns) {
    out.push_back(v);
    if (between) out.push_back({v.major, v.minor, static_cast<uint16_t>(v.patch + 1)});
  }
  return out;
}

class CompiledOps : public testing::TestWithParam<const char*> {};

TEST_P(CompiledOps, AreWhatTheTablesGive) {
  auto catalog = TargetCatalog::load(shipped());
  ASSERT_TRUE(catalog) << catalog.error().message();
  OpCompiler compiler(shipped());
  const auto ops = shipped().op_names();
  size_t present = 0, absent = 0;
  for (const Pipeline& pipeline : catalog->pipelines())
    for (const std::string& op : ops.value())
      for (const SdkVersion sdk : versions(pipeline.name == "executorch")) {
        const OpKey key{GetParam(), pipeline.name, op};
        const auto stored = shipped().compiled(key.text(), sdk);
        ASSERT_TRUE(stored.has_value()) << key.text();
        const auto compiled = compiler.compile(key, sdk);
        ASSERT_TRUE(compiled) << compiled.error().message();
        ASSERT_EQ(stored->empty(), compiled.value() == nullptr) << key.text() << " " << sdk.text();
        ++(stored->empty() ? absent : present);
        if (stored->empty()) continue;
        const auto decoded = decoded_op(*stored);
        ASSERT_NE(decoded, nullptr) << key.text();
        expect_same(*decoded, *compiled.value());
        ASSERT_FALSE(HasFailure()) << key.text() << " " << sdk.text();
      }
  EXPECT_GT(present, 1000U);
  EXPECT_GT(absent, 100U);
}

INSTANTIATE_TEST_SUITE_P(Backends, CompiledOps, testing::Values("cpu", "dsp", "gpu", "hta", "htp", "lpai"),
                         [](const auto& backend) { return backend.param; });

TEST(CompiledTables, EveryBackendIsAmongThem) {
  EXPECT_EQ(shipped().backends().value(), (std::vector<std::string>{"cpu", "dsp", "gpu", "hta", "htp", "lpai"}));
}

TEST(CompiledTables, MapRowsAreWhatTheirTextGives) {
  for (const Frontend frontend : {Frontend::kTorch, Frontend::kOnnx}) {
    const std::string name(row_of(frontend).name);
    const auto ops = shipped().op_map_names(name);
    ASSERT_GT(ops.value().size(), 100U);
    OpMaps maps(shipped(), frontend);
    for (const std::string& op : ops.value()) {
      ASSERT_TRUE(shipped().compiled("map " + name + " " + op, kLatestSdk).has_value()) << op;
      const auto found = maps.find(op);
      ASSERT_TRUE(found) << found.error().message();
      const auto compiled = compile_mapping(*shipped().op_map(name, op).value(), op);
      EXPECT_EQ(*found.value(), *compiled.value()) << op;
    }
    const auto patterns = maps.patterns();
    EXPECT_EQ(patterns.value().size(),
              std::count_if(ops.value().begin(), ops.value().end(), [](const auto& op) { return op[0] == '~'; }));
  }
}

TEST(CompiledTables, TargetsAreWhatTheDocumentsSay) {
  const File file(with_section(""));
  const auto plain = Database::open(file.path());
  ASSERT_TRUE(plain) << plain.error().message();
  ASSERT_TRUE(shipped().compiled("targets", kLatestSdk).has_value());
  ASSERT_FALSE(plain.value().compiled("targets", kLatestSdk).has_value());
  CompiledWriter stored, read;
  EXPECT_TRUE(TargetCatalog::load(shipped()).value().compile(stored));
  EXPECT_TRUE(TargetCatalog::load(plain.value()).value().compile(read));
  EXPECT_EQ(stored.section(), read.section());
}

/// Ops of different make, as they are stored.
std::vector<std::span<const std::byte>> some_ops() {
  std::vector<std::span<const std::byte>> out;
  for (const char* op : {"Relu", "Conv2d", "StridedSlice", "Quantize"})
    out.push_back(shipped().compiled(OpKey{"htp", "executorch", op}.text(), kLatestSdk).value());
  return out;
}

std::vector<std::byte> changed(std::span<const std::byte> bytes, size_t at, unsigned value) {
  std::vector<std::byte> out(bytes.begin(), bytes.end());
  out[at] ^= static_cast<std::byte>(value);
  return out;
}

TEST(CompiledDamage, NoPartOfAnOpOrRowIsOne) {
  for (const auto bytes : some_ops())
    for (size_t size = 0; size < bytes.size(); ++size) EXPECT_EQ(decoded_op(bytes.first(size)), nullptr) << size;
  for (const char* op : {"map aten aten.conv2d.default", "map onnx Resize", "map onnx ~gelu-half-first"}) {
    const auto bytes = shipped().compiled(op, kLatestSdk);
    ASSERT_TRUE(bytes.has_value()) << op;
    for (size_t size = 0; size < bytes->size(); ++size) EXPECT_EQ(decoded_mapping(bytes->first(size)), nullptr) << size;
  }
}

TEST(CompiledDamage, OtherBytesAreRefusedOrAnOp) {
  size_t refused = 0, taken = 0;
  for (const auto bytes : some_ops())
    for (size_t at = 0; at < bytes.size(); ++at)
      for (const unsigned value : {1U, 0x40U, 0xFFU}) {
        const auto op = decoded_op(changed(bytes, at, value));
        ++(op == nullptr ? refused : taken);
        if (op == nullptr) continue;
        for (const CompiledVariant& v : op->variants) ASSERT_EQ(v.accepts.size(), op->in_slots + op->out_slots);
        const std::string again = encoded_op(*op);
        ASSERT_NE(decoded_op(std::as_bytes(std::span(again))), nullptr);
      }
  EXPECT_GT(refused, 1000U);
  EXPECT_GT(taken, 1000U);  // most texts, for one, may as well be others
}

/// The whole report for a graph, or the error.
std::string judged(const std::string& database) {
  auto session = Session::open({database, {}}, {});
  if (!session) return session.error().message();
  const auto loaded = load_graph(SNAPGAUGE_SOURCE_DIR "/data/vit_tiny.16a8w.json");
  EXPECT_TRUE(loaded);
  const auto result = (*session)->check(loaded.value().graph);
  if (!result) return result.error().message();
  std::string out;
  for (const NodeResult& node : result.value().nodes)
    out += std::string(result.value().backend_op(node)) + std::to_string(static_cast<int>(node.verdict)) +
           result.value().reason_of(node) + "\n";
  for (const Finding& f : result.value().findings) out += f.node + f.message + f.source.document + "\n";
  return out;
}

TEST(CompiledDamage, TablesThatAreNotCompiledGiveTheSame) {
  const std::string compiled = judged(database_path());
  EXPECT_GT(compiled.size(), 500U);
  EXPECT_EQ(judged(File(with_section("")).path()), compiled);
  CompiledWriter other;
  EXPECT_TRUE(other.add("targets", {}, "what other code made of them"));
  std::string section = other.section();
  section[0] = static_cast<char>(section[0] ^ 1);  // no longer names this code
  EXPECT_EQ(judged(File(with_section(section)).path()), compiled);
}

TEST(CompiledDamage, BehindAValidSealIsAnErrorThatNamesIt) {
  for (const char* name : {"targets", "patterns aten", "map aten aten.linear.default", "op htp executorch LayerNorm"}) {
    CompiledWriter out;
    EXPECT_TRUE(out.add(name, {}, "no such thing"));
    const File file(with_section(out.section()));
    EXPECT_EQ(judged(file.path()),
              file.path() + ": the op-info database is damaged: '" + name + "' in it cannot be read");
  }
}

}  // namespace
}  // namespace snapgauge
