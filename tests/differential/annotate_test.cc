// Graphs with their annotations taken away are annotated as ExecuTorch's own quantizer did, but for what is done
// otherwise on purpose: each such difference is one of quantizer.md's traps, named in docs/quantizing.md.
#include "quantize/annotate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>

#include "backend/translate.h"
#include "base/file.h"
#include "base/write.h"
#include "differential/recorded.h"
#include "targets/target.h"

namespace snapgauge::differential {
namespace {

std::string place_text(const Graph& graph, const SpecRef& ref) {
  switch (ref.kind) {
    case SpecRef::Kind::kSharedNode: return fmt::format("{}", graph.text(graph.values[ref.index].name));
    case SpecRef::Kind::kSharedEdge:
      return fmt::format("{} -> {}", graph.text(graph.value(graph.edges[ref.index].value).name),
                         graph.name(graph.edges[ref.index].consumer));
    default: return "?";
  }
}

std::string fields_text(const Spec& s) {
  return fmt::format("{} {} axis {} block [{}] eps {} fixed {} dynamic {}", spec_text(s), s.observer,
                     s.axis ? std::to_string(*s.axis) : "-", fmt::join(s.block, ","), s.eps, s.fixed, s.dynamic);
}

std::string ref_text(const Graph& graph, const SpecRef& ref) {
  switch (ref.kind) {
    case SpecRef::Kind::kNone: return "none";
    case SpecRef::Kind::kConcrete: return fields_text(graph.specs[ref.index]);
    case SpecRef::Kind::kDangling: return "dangling";
    case SpecRef::Kind::kDerived: {
      const DerivedSpec& derived = graph.derived[ref.index];
      std::string out = "derived " + fields_text(graph.specs[derived.spec.index]) + " from";
      for (const SpecRef& source : graph.sources_of(derived)) out += " " + place_text(graph, source);
      return out;
    }
    default: return "shared " + place_text(graph, ref);
  }
}

/// What is said at each place of the node.
std::vector<std::string> annotation_of(const Graph& graph, const Node& node) {
  std::vector<std::string> out;
  for (const Use& use : graph.uses_of(node))
    out.push_back(fmt::format("{}: {}", graph.text(graph.value(use.value).name), ref_text(graph, use.spec)));
  for (const Value& value : graph.outputs_of(node)) out.push_back("-> " + ref_text(graph, value.spec));
  return out;
}

RecipeRule& rule_for(Recipe& recipe, std::string_view name) {
  std::string quoted;
  for (const char c : name)
    (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') ? (quoted += '\\', quoted += c) : quoted += c;
  auto pattern = NodePattern::compile(quoted);
  EXPECT_TRUE(pattern) << name;
  recipe.rules.push_back({});
  recipe.rules.back().name = *pattern;
  return recipe.rules.back();
}

/// The config and settings of a dump as a recipe; of mixed ones, the recorded config of each node.
Recipe recipe_of(const Json& dump, const Graph& recorded) {
  Recipe recipe;
  const Json& settings = dump.at("settings");
  const auto config = settings.at("quant_dtype").get<std::string>().substr(4);  // "use_8a8w"
  recipe.defaults.configs = {config};
  const bool per_channel = settings.at("conv_per_channel").get<bool>();
  recipe.defaults.granularity = per_channel ? Granularity::kPerChannel : Granularity::kPerTensor;
  recipe.defaults.symmetric = settings.at("act_symmetric").get<bool>();
  for (const auto& [name, block] : settings.at("block_size_map").items()) {
    QuantWish& wish = rule_for(recipe, name).wish;
    wish.granularity = Granularity::kPerBlock;
    wish.block = block.get<std::vector<int64_t>>();
  }
  if (dump.at("config") != "mixed") return recipe;
  for (const Node& node : recorded.nodes) {
    bool wide = false;
    const auto look = [&](const SpecRef& ref) {
      if (ref.kind == SpecRef::Kind::kConcrete) wide = wide || recorded.specs[ref.index].qmax == 65535;
    };
    for (const Use& use : recorded.uses_of(node)) look(use.spec);
    for (const Value& value : recorded.outputs_of(node)) look(value.spec);
    if (wide) rule_for(recipe, recorded.text(node.name)).wish.configs = {"16a8w"};
  }
  return recipe;
}

/// Of a case of the operator suites: the config is in its name, how fine the weights are was left to each test.
Recipe recipe_of_case(const std::string& config, const Graph& recorded) {
  Recipe recipe;
  recipe.defaults.configs = {config};
  recipe.defaults.granularity = Granularity::kPerTensor;
  for (const Node& node : recorded.nodes)
    for (const Use& use : recorded.uses_of(node)) {
      if (use.spec.kind != SpecRef::Kind::kConcrete) continue;
      const Spec& spec = recorded.specs[use.spec.index];
      if (!is_per_channel(spec.scheme)) continue;
      QuantWish& wish = rule_for(recipe, recorded.text(node.name)).wish;
      wish.granularity = spec.block.empty() ? Granularity::kPerChannel : Granularity::kPerBlock;
      wish.block = spec.block;
      wish.per_channel_embedding = true;
      break;
    }
  return recipe;
}

/// The number of the trap that the difference comes from; empty: none. 6: weights of one scale are unsigned beside
/// 16-bit activations after training and signed while training, here always signed. 9: the bias of a product with one
/// weight scale has a scale of its own, here that of the product.
std::string trap_of(const Graph& graph, const Node& node, const std::string& recorded, const std::string& ours) {
  const auto has = [](const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; };
  const std::string_view op = graph.text(node.op);
  const bool product = op.starts_with("aten.conv") || op.starts_with("aten.linear");
  if (product && has(recorded, "SFIXED_POINT_32") && has(recorded, "per-tensor symmetric MinMaxObserver") &&
      has(ours, "derived") && has(ours, "per-tensor symmetric"))
    return "9";
  if (has(recorded, "UFIXED_POINT_8 per-tensor symmetric MinMaxObserver") &&
      has(ours, "SFIXED_POINT_8 [-127, 127] per-tensor symmetric MinMaxObserver"))
    return "6";
  return {};
}

/// "16a8w_pcq" is config 16a8w; empty: none that is known.
std::string config_of_case(const std::string& name, const QuantConfigs& configs) {
  std::string best;
  for (const QuantConfig& config : configs.all())
    if (name.starts_with(config.name) && config.name.size() > best.size()) best = config.name;
  return best == "16a4w" && name.find("lpbq") != std::string::npos ? "16a4w_block" : best;
}

struct Tables {
  Database database;
  TargetCatalog catalog;
  QuantConfigs configs;
};

Tables tables() {
  auto database = Database::open(SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db");
  EXPECT_TRUE(database);
  auto catalog = TargetCatalog::load(*database);
  auto configs = QuantConfigs::load(*database);
  EXPECT_TRUE(catalog);
  EXPECT_TRUE(configs) << configs.error().message();
  return {std::move(*database), std::move(*catalog), std::move(*configs)};
}

/// Of one config.
struct Tally {
  int graphs = 0, places = 0;
  std::map<std::string, int> traps;  // places that differ, by the trap's number
};
using Differences = std::map<std::string, Tally>;

/// Annotates the recorded graph without its annotations; differences without a trap's number fail the test.
void compare(const Json& dump, const std::string& name, const std::string& config,
             const std::function<Recipe(const Graph&)>& recipe_for, Tables& t, Differences& out) {
  auto recorded = read_dump(dump, name);
  Json bare = dump;
  for (Json& node : bare["nodes"]) node.erase("annotation");
  auto graph = read_dump(bare, name);
  ASSERT_TRUE(recorded && graph) << name;

  TargetOptions options;
  options.backend = dump.at("backend").get<std::string>();
  options.soc = dump.at("soc").get<std::string>();
  const auto target = t.catalog.resolve(options, Frontend::kTorch);
  ASSERT_TRUE(target) << target.error().message();
  auto rows = AnnotationRows::load(t.database, options.backend, Frontend::kTorch);
  ASSERT_TRUE(rows) << rows.error().message();
  OpMaps maps(t.database, Frontend::kTorch);
  const auto whole = translate_whole(*graph, maps, target.value());
  ASSERT_TRUE(whole);
  const Recipe recipe = recipe_for(*recorded);
  auto annotator = Annotator::create(t.configs, *rows, recipe);
  ASSERT_TRUE(annotator) << annotator.error().message();
  GraphEdit edit(*graph);
  annotator->annotate(edit, whole.value().ops, {});
  EXPECT_EQ(verify(*graph), "") << name;

  Tally& tally = out[config];
  ++tally.graphs;
  for (size_t n = 0; n < graph->nodes.size(); ++n) {
    const auto theirs = annotation_of(*recorded, recorded->nodes[n]);
    const auto ours = annotation_of(*graph, graph->nodes[n]);
    ASSERT_EQ(theirs.size(), ours.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      if (!theirs[i].ends_with("none") || !ours[i].ends_with("none")) ++tally.places;
      if (theirs[i] == ours[i]) continue;
      const std::string trap = trap_of(*graph, graph->nodes[n], theirs[i], ours[i]);
      ++tally.traps[trap];
      EXPECT_NE(trap, "") << name << ": " << graph->name(NodeId{static_cast<uint32_t>(n)}) << " "
                          << graph->text(graph->nodes[n].op) << "\n  recorded " << theirs[i] << "\n  ours     "
                          << ours[i];
    }
  }
}

Differences of_models(const DataSet& data) {
  Tables t = tables();
  Differences differences;
  for (const std::string& name : json_files(data.dumps)) {
    const Json dump = read_json(data.dumps + "/" + name);
    compare(
        dump, name, dump.at("config").get<std::string>(),
        [&](const Graph& recorded) { return recipe_of(dump, recorded); }, t, differences);
  }
  return differences;
}

/// The graphs of upstream's operator tests: more operators than any model has.
Differences of_operator_tests() {
  Tables t = tables();
  Differences differences;
  for (const char* suite : {"htp-v68-matrix", "legacy-quantized-operator"}) {
    std::ifstream lines(std::string(SNAPGAUGE_SOURCE_DIR "/tests/data/oracle-aten/") + suite + ".jsonl");
    EXPECT_TRUE(lines);
    for (std::string line; std::getline(lines, line);) {
      const Json dump = Json::parse(line);
      const auto id = dump.at("case").get<std::string>();
      const std::string config = config_of_case(id.substr(id.rfind('/') + 1), t.configs);
      // Those that are trained with quantization, and in float, are no part of this.
      if (config.empty() || id.find("qat") != std::string::npos) continue;
      compare(
          dump, id, config, [&](const Graph& recorded) { return recipe_of_case(config, recorded); }, t, differences);
    }
  }
  return differences;
}

std::string table(const Differences& differences) {
  std::string out =
      "| config | graphs | annotated places | equal | differ, by trap |\n| --- | ---: | ---: | ---: | --- |\n";
  for (const auto& [config, tally] : differences) {
    int differ = 0;
    std::string by_trap;
    for (const auto& [trap, count] : tally.traps) {
      differ += count;
      by_trap += fmt::format("{}{}: {}", by_trap.empty() ? "" : ", ", trap, count);
    }
    out +=
        fmt::format("| {} | {} | {} | {} | {} |\n", config, tally.graphs, tally.places, tally.places - differ, by_trap);
  }
  return out;
}

/// Whatever differs without a trap's number has failed the comparison by then.
TEST(RecordedAnnotations, AreReproducedAsTheDocumentSays) {
  const std::string text = fmt::format(
      "<!-- Written by the differential tests with SNAPGAUGE_REGENERATE=1; edit tests/differential/annotate_test.cc "
      "instead. -->\n# Recorded annotations and ours\n\nGraphs that ExecuTorch's quantizer annotated, without their "
      "annotations, annotated by the same config. A place is an edge\nor a result that one of the two annotates; "
      "compared "
      "are type, range, scheme, axis, blocks, observer and its least\nscale, and what is shared or derived and from "
      "where. "
      "The traps are those of [quantizing.md](quantizing.md#beside-executorchs-quantizer).\n\n"
      "## Models\n\nOf `tests/data/annotations`, a subset of 158.\n\n{}\n## Operator tests\n\nOf "
      "`tests/data/oracle-aten`, but for those in float and those trained with quantization.\n\n{}",
      table(of_models(committed_data())), table(of_operator_tests()));
  const std::string path = SNAPGAUGE_SOURCE_DIR "/docs/recorded-annotations.md";
  if (std::getenv("SNAPGAUGE_REGENERATE") != nullptr) {
    const Status written = write_file(path, text);
    ASSERT_TRUE(written) << written.error().message();
  }
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->text(), text) << "run this test with SNAPGAUGE_REGENERATE=1";
}

TEST(RecordedAnnotations, OfTheWholeSetAreReproduced) {
  const auto data = whole_data();
  if (!data) GTEST_SKIP() << "SNAPGAUGE_SHARED is not set";
  std::puts(table(of_models(*data)).c_str());
}

}  // namespace
}  // namespace snapgauge::differential
