// explain, rules and opinfo: what the tool knows, printed.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "diag/rule.h"
#include "opinfo/predicate.h"
#include "rules/op_table.h"
#include "rules/shapes.h"

namespace snapgauge::cli {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

struct Tables {
  std::unique_ptr<Session> session;
  Target target;
};

Result<Tables> open(const OpInfoArguments& arguments) {
  auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return session.error();
  auto target = (*session)->target_for(Frontend::kTorch);
  if (!target) return target.error();
  return Tables{std::move(*session), std::move(*target)};
}

std::string variant_text(const OpRow& op, const VariantRow& variant) {
  std::string out = fmt::format("  {:<8}", variant.config);
  for (size_t c = 0; c < op.columns.size(); ++c)
    out += fmt::format("  {} {}", op.columns[c], variant.columns[c] == 0 ? "-" : dtype_set_text(variant.columns[c]));
  if (variant.strength == Strength::kDoubtful) out += "  (doubtful)";
  return out + fmt::format("  [{}]\n", variant.source.document);
}

std::string constraint_text(const ConstraintRow& row) {
  std::string configs;
  for (const std::string& c : row.configs) configs += (configs.empty() ? "" : ",") + c;
  std::string out = fmt::format("  {:<10} {:<20} {:<14} {}", row.port, row.kind, configs.empty() ? "All" : configs, row.body);
  if (!row.pipeline.empty()) out += fmt::format("  pipeline {}", row.pipeline);
  if (row.strength == Strength::kDoubtful) out += "  (doubtful)";
  return out + fmt::format("  [{}, SDK {}]\n", row.source.document, row.source.sdk);
}

}  // namespace

int fail(const Error& error) {
  fmt::print(stderr, "snapgauge: {}\n", error.message());
  return 2;
}

int deliver(const std::string& text, const std::string& path) {
  if (!path.empty()) {
    const Status written = write_file(path, text);
    return written ? 0 : fail(written.error());
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : fail({ErrorCode::kIo, "standard output", "cannot write"});
}

int run_explain(const std::string& code) {
  const Rule* row = find_rule(upper(code));
  if (row == nullptr) row = find_rule(code);
  if (row == nullptr) {
    std::vector<std::string> names;
    for (const Rule& r : all_rules()) {
      names.emplace_back(r.name);
      names.push_back(code_text(r.code));
    }
    const auto near = near_matches(code, names);
    return fail({ErrorCode::kUsage, "", fmt::format("no rule '{}'{}", printable(code), near.empty() ? "" : "; did you mean " + join_or(near) + "?")});
  }
  std::string text = fmt::format("{} {} ({})\n\n{}\n\nWhat it says: {}\nWhat to do: {}\nSource: {}\nSince: {}\n", code_text(row->code),
                                 row->name, kind_name(row->kind), row->why, row->message, row->action, row->source, row->since);
  if (!row->predicates.empty()) text += fmt::format("Table rows: {}\n", row->predicates);
  return deliver(text, "");
}

int run_rules_list(bool json) {
  if (!json) {
    std::string text;
    for (const Rule& r : all_rules()) text += fmt::format("{}  {:<28} {}\n", code_text(r.code), r.name, kind_name(r.kind));
    return deliver(text, "");
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Rule& r : all_rules())
    list.push_back({{"code", code_text(r.code)}, {"name", r.name}, {"kind", kind_name(r.kind)}, {"message", r.message},
                    {"action", r.action}, {"why", r.why}, {"source", r.source}, {"since", r.since}});
  return deliver(list.dump(1) + "\n", "");
}

int run_opinfo_list(const OpInfoArguments& arguments) {
  const auto tables = open(arguments);
  if (!tables) return fail(tables.error());
  const Target& target = tables.value().target;
  const auto ops = tables.value().session->database().ops(target.backend.name, target.sdk);
  if (!ops) return fail(ops.error());
  std::string text;
  for (const OpSummary& op : ops.value()) text += fmt::format("{:<32} {:>4} rows {:>4} constraints\n", op.op, op.variants, op.constraints);
  text += fmt::format("{} ops on {}, SDK {}\n", ops.value().size(), target.backend.name, target.sdk.text());
  return deliver(text, "");
}

int run_opinfo_show(const OpInfoArguments& arguments) {
  const auto tables = open(arguments);
  if (!tables) return fail(tables.error());
  const Target& target = tables.value().target;
  const Database& database = tables.value().session->database();
  const auto op = database.op(target.backend.name, target.sdk, target.pipeline.name, arguments.op);
  if (!op) return fail(op.error());
  if (!op.value().has_value()) {
    std::vector<std::string> names;
    if (const auto ops = database.ops(target.backend.name, target.sdk))
      for (const OpSummary& s : ops.value()) names.push_back(s.op);
    const auto near = near_matches(arguments.op, names);
    return fail({ErrorCode::kUsage, "", fmt::format("{} has no op '{}' in SDK {}{}", target.backend.name, printable(arguments.op),
                                                    target.sdk.text(), near.empty() ? "" : "; did you mean " + join_or(near) + "?")});
  }
  const OpRow& row = *op.value();
  std::string text = fmt::format("{} on {}, SDK {}, pipeline {}\n\nDatatypes ({}):\n", row.name, target.backend.name, target.sdk.text(),
                                 target.pipeline.name, row.joint ? "one combination a row" : "per port");
  for (const VariantRow& v : row.variants) text += variant_text(row, v);
  text += "\nConstraints:\n";
  for (const ConstraintRow& c : row.constraints) text += constraint_text(c);
  return deliver(text, "");
}

int run_opinfo_coverage(const OpInfoArguments& arguments) {
  const auto tables = open(arguments);
  if (!tables) return fail(tables.error());
  const Target& target = tables.value().target;
  const Database& database = tables.value().session->database();
  const auto backends = database.backends();
  if (!backends) return fail(backends.error());
  std::map<std::string, std::map<std::string, int>> counts;
  for (const std::string& backend : backends.value()) {
    const auto ops = database.ops(backend, target.sdk);
    if (!ops) return fail(ops.error());
    for (const OpSummary& summary : ops.value()) {
      const auto op = database.op(backend, target.sdk, target.pipeline.name, summary.op);
      if (!op) return fail(op.error());
      for (const ConstraintRow& row : op.value()->constraints) ++counts[row.kind][backend];
    }
  }
  std::string text = fmt::format("{:<24}", "kind");
  for (const std::string& b : backends.value()) text += fmt::format("{:>7}", b);
  text += "  evaluated\n";
  for (const auto& [kind, by_backend] : counts) {
    text += fmt::format("{:<24}", kind);
    for (const std::string& b : backends.value()) {
      const auto it = by_backend.find(b);
      text += fmt::format("{:>7}", it == by_backend.end() ? 0 : it->second);
    }
    const auto known = predicate_kind_from_name(kind);
    text += !known ? "  NO" : is_informational(*known) ? "  restricts nothing" : has_shape(*known) ? "  yes" : "  NO";
    text += "\n";
  }
  return deliver(text, "");
}

}  // namespace snapgauge::cli
