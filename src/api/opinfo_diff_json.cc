#include <nlohmann/json.hpp>

#include "api/opinfo_diff.h"
#include "report/json_parts.h"

namespace snapgauge {
namespace {

std::string_view change_name(bool before, bool after) { return !before ? "added" : !after ? "removed" : "changed"; }

Json dtypes_json(DTypeSet set) {
  Json names = Json::array();
  for (int bit = 0; bit < kDTypeCount; ++bit)
    if (const auto type = static_cast<DType>(bit); contains(set, type)) names.push_back(dtype_name(type));
  return names;
}

Json origin_json(Json row, Strength strength, const Source& source) {
  row["strength"] = strength == Strength::kDoubtful ? "doubtful" : "binding";
  row["source"] = {{"document", source.document}, {"sdk", source.sdk}};
  return row;
}

Json row_json(const std::vector<std::string>& columns, const VariantRow& row) {
  Json dtypes = Json::object();
  for (size_t c = 0; c < columns.size(); ++c)
    if (row.columns[c] != 0) dtypes[columns[c]] = dtypes_json(row.columns[c]);
  return origin_json({{"config", row.config}, {"dtypes", std::move(dtypes)}}, row.strength, row.source);
}

Json row_json(const ConstraintRow& row) {
  Json body = Json::parse(row.body, nullptr, false);
  return origin_json({{"port", row.port},
                      {"kind", row.kind},
                      {"configs", row.configs},
                      {"body", body.is_discarded() ? Json(row.body) : std::move(body)},
                      {"pipeline", row.pipeline}},
                     row.strength, row.source);
}

template <class Row, class ToJson>
Json rows_json(const std::vector<RowDiff<Row>>& diffs, ToJson to_json) {
  Json list = Json::array();
  for (const RowDiff<Row>& d : diffs)
    list.push_back({{"change", change_name(d.before.has_value(), d.after.has_value())},
                    {"old", d.before ? to_json(*d.before) : Json()},
                    {"new", d.after ? to_json(*d.after) : Json()}});
  return list;
}

Json form_json(bool known, bool joint) { return known ? Json(joint ? "joint" : "per_port") : Json(); }

Json op_json(const OpDiff& op) {
  Json datatypes = Json::array();
  for (const ColumnDiff& c : op.datatypes)
    datatypes.push_back({{"column", c.column}, {"removed", dtypes_json(c.removed)}, {"added", dtypes_json(c.added)}});
  return {{"op", op.op},
          {"change", change_name(op.known_before, op.known_after)},
          {"dtype_rows",
           {{"old", form_json(op.known_before, op.joint_before)}, {"new", form_json(op.known_after, op.joint_after)}}},
          {"unlisted", op.unlisted},
          {"variants", rows_json(op.variants, [&](const VariantRow& r) { return row_json(op.columns, r); })},
          {"datatypes", std::move(datatypes)},
          {"constraints", rows_json(op.constraints, [](const ConstraintRow& r) { return row_json(r); })}};
}

Json judged_json(const NodeReport& node) { return {{"verdict", verdict_name(node.verdict)}, {"reason", node.reason}}; }

Json model_json(const ModelDiff& model) {
  Json nodes = Json::array();
  for (const NodeVerdictDiff& d : model.diffs)
    nodes.push_back({{"name", d.after.name},
                     {"op", d.after.op},
                     {"backend_op", d.after.backend_op},
                     {"old", judged_json(d.before)},
                     {"new", judged_json(d.after)}});
  return {{"path", model.path},
          {"verdict", {{"old", verdict_name(model.before)}, {"new", verdict_name(model.after)}}},
          {"node_count", model.nodes},
          {"ops_used", model.ops},
          {"nodes", std::move(nodes)}};
}

Json side_json(const SdkSide& side) { return {{"sdk", side.sdk}, {"obstacle", side.obstacle}, {"ops", side.ops}}; }

}  // namespace

std::string render_opinfo_diff_json(const OpInfoDiff& diff) {
  Json ops = Json::array(), models = Json::array();
  size_t added = 0, removed = 0;
  for (const OpDiff& op : diff.ops) {
    ops.push_back(op_json(op));
    added += op.known_before ? 0 : 1;
    removed += op.known_after ? 0 : 1;
  }
  for (const ModelDiff& model : diff.models) models.push_back(model_json(model));
  const Json out{
      {"schema", "snapgauge-opinfo-diff/1"},
      {"target", {{"backend", diff.backend}, {"soc", diff.soc}, {"arch", diff.arch}, {"pipeline", diff.pipeline}}},
      {"old", side_json(diff.before)},
      {"new", side_json(diff.after)},
      {"ops", std::move(ops)},
      {"models", std::move(models)},
      {"summary",
       {{"compared", diff.compared},
        {"added", added},
        {"removed", removed},
        {"changed", diff.ops.size() - added - removed}}}};
  return dumped(out, 1) + "\n";
}

}  // namespace snapgauge
