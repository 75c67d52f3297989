// explain, rules and opinfo: what the tool knows, printed.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "api/opinfo_text.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "diag/rule.h"

namespace snapgauge::cli {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
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
    return fail(
        {ErrorCode::kUsage, "",
         fmt::format("no rule '{}'{}", printable(code), near.empty() ? "" : "; did you mean " + join_or(near) + "?")});
  }
  std::string text =
      fmt::format("{} {} ({})\n\n{}\n\nWhat it says: {}\nWhat to do: {}\nSource: {}\nSince: {}\n", code_text(row->code),
                  row->name, kind_name(row->kind), row->why, row->message, row->action, row->source, row->since);
  if (!row->predicates.empty()) text += fmt::format("Table rows: {}\n", row->predicates);
  return deliver(text, "");
}

int run_rules_list(bool json) {
  if (!json) {
    std::string text;
    for (const Rule& r : all_rules())
      text += fmt::format("{}  {:<28} {}\n", code_text(r.code), r.name, kind_name(r.kind));
    return deliver(text, "");
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Rule& r : all_rules())
    list.push_back({{"code", code_text(r.code)},
                    {"name", r.name},
                    {"kind", kind_name(r.kind)},
                    {"message", r.message},
                    {"action", r.action},
                    {"why", r.why},
                    {"source", r.source},
                    {"since", r.since}});
  return deliver(list.dump(1) + "\n", "");
}

int run_opinfo(const OpInfoArguments& arguments) {
  const auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return fail(session.error());
  const auto text = arguments.verb == OpInfoArguments::Verb::kList   ? list_ops(*session.value())
                    : arguments.verb == OpInfoArguments::Verb::kShow ? show_op(*session.value(), arguments.op)
                                                                     : coverage(*session.value());
  return text ? deliver(text.value(), "") : fail(text.error());
}

}  // namespace snapgauge::cli
