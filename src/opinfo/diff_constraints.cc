#include <tuple>

#include "opinfo/diff_internal.h"
#include "opinfo/tables.h"

namespace snapgauge::opinfo {
namespace {

/// One thing that a table says of some labels, whichever rows say it.
struct Statement {
  ConstraintRow row;    // of the first; labels and source are filled in at the end
  std::string content;  // its body, lists that are sets in one order
  std::string binds;    // what it speaks of, as precedence has it
  std::map<std::string, Source> labels;
  bool all = false;  // every label that the table has

  auto key() const { return std::tie(row.port, row.kind, content, row.pipeline, row.strength); }
};

/// Lists of names and of widths are sets; axes and shapes are not.
void sort_sets(Json& value, const std::string& key = {}) {
  if (value.is_array() && key != "axes") {
    const auto is_name = [](const Json& item) { return item.is_string(); };
    if (key == "bits" || std::all_of(value.begin(), value.end(), is_name)) std::sort(value.begin(), value.end());
  }
  if (!value.is_structured()) return;
  for (const auto& item : value.items()) sort_sets(item.value(), value.is_object() ? item.key() : std::string());
}

Statement statement_of(const ConstraintRow& row) {
  Statement out{row, row.body, row.body, {}};
  auto body = parse_json(row.body, "constraint");
  if (!body || !body->is_object()) return out;  // compared as it stands
  sort_sets(*body);
  out.content = body->dump();
  out.binds = binds_on(*body);
  return out;
}

std::vector<std::string> labels_of(const OpRow& op) {
  std::set<std::string> labels;
  for (const VariantRow& v : op.variants) labels.insert(v.config);
  if (labels.empty()) labels.insert("All");
  return {labels.begin(), labels.end()};
}

std::vector<Statement> statements_of(const OpRow& op) {
  const std::vector<std::string> all = labels_of(op);
  std::vector<Statement> out;
  for (const ConstraintRow& row : op.constraints) {
    Statement fresh = statement_of(row);
    auto known = std::find_if(out.begin(), out.end(), [&](const Statement& s) { return s.key() == fresh.key(); });
    if (known == out.end()) known = out.insert(out.end(), std::move(fresh));
    for (const std::string& label : row.configs.empty() ? all : row.configs)
      known->labels.try_emplace(label, row.source);
  }
  for (Statement& s : out)
    s.all = std::all_of(all.begin(), all.end(), [&](const std::string& label) { return s.labels.contains(label); });
  return out;
}

/// Takes away what both tables say of the same label; of all labels, if both do, whatever those are.
void subtract(std::vector<Statement>& before, std::vector<Statement>& after) {
  for (Statement& a : before)
    for (Statement& b : after) {
      if (a.key() != b.key()) continue;
      if (a.all && b.all) {
        a.labels.clear();
        b.labels.clear();
      }
      const size_t old_size = a.labels.size(), new_size = b.labels.size();
      std::erase_if(a.labels, [&](const auto& entry) { return b.labels.erase(entry.first) > 0; });
      a.all = a.all && a.labels.size() == old_size;
      b.all = b.all && b.labels.size() == new_size;
    }
  for (auto* side : {&before, &after}) std::erase_if(*side, [](const Statement& s) { return s.labels.empty(); });
}

/// Labels that are left, and the sources of what is said of them.
void finish(Statement& statement) {
  ConstraintRow& row = statement.row;
  row.configs.clear();
  std::vector<Source> sources;
  for (const auto& entry : statement.labels) {
    const Source& source = entry.second;
    if (!statement.all) row.configs.push_back(entry.first);
    const auto same = [&](const Source& s) { return s.document == source.document && s.sdk == source.sdk; };
    if (std::none_of(sources.begin(), sources.end(), same)) sources.push_back(source);
  }
  row.source = sources.front();
  for (size_t i = 1; i < sources.size(); ++i) {
    row.source.document += "; " + sources[i].document;
    if (row.source.sdk.find(sources[i].sdk) == std::string::npos) row.source.sdk += ", " + sources[i].sdk;
  }
}

}  // namespace

std::vector<RowDiff<ConstraintRow>> compare_constraints(const OpRow& old_op, const OpRow& new_op) {
  std::vector<Statement> before = statements_of(old_op), after = statements_of(new_op);
  subtract(before, after);
  for (auto* side : {&before, &after}) std::for_each(side->begin(), side->end(), finish);

  std::vector<RowDiff<ConstraintRow>> out;
  const auto changed = [&](const Statement& a, const Statement& b) { out.push_back({a.row, b.row}); };
  // The same thing bound in another way; the same said of other labels; then both; then of another pipeline.
  const auto thing = [](const Statement& s) {
    return std::tie(s.row.port, s.row.kind, s.binds, s.row.pipeline, s.row.configs);
  };
  const auto of_any_label = [](const Statement& s) {
    return std::tie(s.row.port, s.row.kind, s.binds, s.row.pipeline);
  };
  pair_up(before, after, thing, changed);
  pair_up(
      before, after, [](const Statement& s) { return s.key(); }, changed);
  pair_up(before, after, of_any_label, changed);
  pair_up(
      before, after, [](const Statement& s) { return std::tie(s.row.port, s.row.kind, s.binds); }, changed);
  for (Statement& s : before) out.push_back({std::move(s.row), std::nullopt});
  for (Statement& s : after) out.push_back({std::nullopt, std::move(s.row)});
  const auto place = [](const RowDiff<ConstraintRow>& d) {
    const ConstraintRow& row = shown(d);
    return std::tie(row.port, row.kind, row.configs, row.body, row.pipeline);
  };
  std::stable_sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return out;
}

}  // namespace snapgauge::opinfo
