#include "differential/upstream.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "differential/attribution.h"

namespace snapgauge::differential {
namespace {

namespace fs = std::filesystem;

/// The table's axis [0] means the output channels of an OIHW weight. Backends keep those last in the
/// weights of convolutions, transposed ones included, and first in all others.
int backend_axis(const std::string& op) {
  const bool convolution = op == "Conv2d" || op == "DepthWiseConv2d" || op == "TransposeConv2d" || op == "Conv3d";
  return convolution ? -1 : 0;
}

Json with_backend_axes(Json table) {
  for (auto& [op, variants] : table["ops"].items())
    for (Json& variant : variants)
      if (variant["inputs"].size() > 1)
        for (Json& row : variant["inputs"][1]["constraints"])
          if (row.contains("axis")) row["axis"] = Json::array({backend_axis(op)});
  return table;
}

std::unique_ptr<Database> open_tables(const Json& table, const std::string& folder) {
  const std::string root = SNAPGAUGE_SOURCE_DIR;
  fs::create_directories(folder + "/overlays");
  std::ofstream(folder + "/constraints.json") << with_backend_axes(table).dump();
  const std::string gates = "/overlays/executorch-arch-gates.json";
  fs::copy_file(root + "/opinfo" + gates, folder + gates, fs::copy_options::overwrite_existing);
  auto base = Database::open(SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db");
  if (!base) {
    ADD_FAILURE() << base.error().message();
    return nullptr;
  }
  auto database = Database::from_directory(folder, *base);
  if (!database) {
    ADD_FAILURE() << database.error().message();
    return nullptr;
  }
  return std::make_unique<Database>(std::move(*database));
}

/// Compares the files of one data set.
class Survey {
 public:
  explicit Survey(SyntheticTable& table) : table_(table) {}

  void file(const std::string& name, const Json& recorded, const Json& dump) {
    const auto soc = recorded["soc"].get<std::string>();
    base_ = &recorded["base"];
    row_ = {};
    row_.file = name;
    row_.backend = recorded["backend"].get<std::string>();
    row_.config = recorded["config"].get<std::string>();
    our_base_.clear();
    graph(dump, soc, Json::object(), {});
    for (const Json& edit : recorded["cases"]) {
      row_.edit = edit["case"].get<std::string>();
      const auto node = edit["node"].is_string() ? edit["node"].get<std::string>() : std::string();
      graph(edited(dump, edit), row_.edit == "older_soc" ? "SM8350" : soc, edit["changed"], node);
    }
  }

  Comparisons& out() { return out_; }

 private:
  void graph(const Json& dump, const std::string& soc, const Json& changed, const std::string& edited_node) {
    Gauge* gauge = table_.gauge(row_.backend, soc);
    const auto graph = read_dump(dump, row_.file);
    if (gauge == nullptr || !graph) return;
    auto result = gauge->check(*graph);
    ASSERT_TRUE(result) << result.error().message();
    const Attribution attribution(*graph, *result, table_.ops());
    for (const auto& [name, before] : base_->items()) {
      const auto it = changed.find(name);
      node(name, it == changed.end() ? before : *it, it != changed.end() || name == edited_node, attribution);
    }
  }

  void node(const std::string& name, const Json& upstream, bool touched, const Attribution& attribution) {
    ASSERT_FALSE(upstream.contains("error")) << row_.file << ": " << name;
    const auto ours = attribution.verdict(name);
    const auto [before, first] = our_base_.emplace(name, ours);
    if (upstream.contains("skipped")) {
      out_.skipped_by_upstream += first ? 1 : 0;
      out_.skipped_and_judged += first && ours ? 1 : 0;
      return;
    }
    const Explanation explanation = attribution.explain(name, upstream);
    row_.node = name;
    row_.repeats = !first && !touched && before->second == ours;
    row_.outcome = explanation.outcome;
    row_.detail = explanation.detail;
    out_.rows.push_back(row_);
  }

  SyntheticTable& table_;
  const Json* base_ = nullptr;  // upstream's verdicts on the graph as annotated
  std::map<std::string, std::optional<NodeVerdict>> our_base_;
  Comparison row_;
  Comparisons out_;
};

}  // namespace

Json edited(const Json& dump, const Json& edit) {
  Json out = dump;
  if (edit["spec"].is_null()) return out;  // another SoC, the same graph
  bool found = false;
  for (Json& node : out["nodes"]) {
    if (node["name"] != edit["node"]) continue;
    Json& annotation = node["annotation"];
    if (edit["edge"] == "output") {
      annotation["output"] = edit["spec"];
      found = true;
    }
    for (Json& input : annotation["inputs"]) {
      if (input[0] != edit["edge"]) continue;
      input[1] = edit["spec"];
      found = true;
    }
  }
  EXPECT_TRUE(found) << edit["case"] << " names no place of " << edit["node"];
  return out;
}

SyntheticTable::SyntheticTable(const std::string& constraints, const std::string& folder)
    : table_(read_json(constraints)), database_(open_tables(table_, folder)) {
  if (!ready()) return;
  auto catalog = TargetCatalog::load(*database_);
  if (catalog)
    catalog_ = std::make_unique<TargetCatalog>(std::move(*catalog));
  else
    ADD_FAILURE() << catalog.error().message();
}

Gauge* SyntheticTable::gauge(const std::string& backend, const std::string& soc) {
  auto& gauge = gauges_[backend + "/" + soc];
  if (gauge != nullptr || catalog_ == nullptr) return gauge.get();
  TargetOptions options;
  options.backend = backend;
  options.soc = soc;
  auto target = catalog_->resolve(options, Frontend::kTorch);
  if (target)
    gauge = std::make_unique<Gauge>(*database_, std::move(*target));
  else
    ADD_FAILURE() << target.error().message();
  return gauge.get();
}

Comparisons compare(const DataSet& data, SyntheticTable& table) {
  Survey survey(table);
  for (const std::string& name : json_files(data.verdicts)) {
    if (name == "constraints.json") continue;
    const std::string dump = data.dumps + "/" + name;
    if (exists(dump))
      survey.file(name, read_json(data.verdicts + "/" + name), read_json(dump));
    else
      survey.out().without_dump.push_back(name);
  }
  return std::move(survey.out());
}

}  // namespace snapgauge::differential
