// decode: vendor log lines explained, and, with a model, the nodes they are about.
#include <fmt/format.h>

#include <cstdio>
#include <unordered_map>

#include "base/encoding.h"
#include "base/text.h"
#include "cli/commands.h"
#include "decode/render.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

Result<std::string> standard_input() {
  std::string text;
  char buffer[size_t{64} << 10];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, stdin)) text.append(buffer, got);
  if (std::ferror(stdin) != 0) return Error{ErrorCode::kIo, "standard input", "cannot read"};
  return text;
}

/// Redirected output of PowerShell is UTF-16.
Result<DecodedLog> decode_bytes(std::string_view bytes, const Decoder& decoder) {
  std::string storage;
  const auto text = unicode_text(bytes, storage);
  if (!text) return text.error();
  return decoder.decode(text.value());
}

Result<DecodedLog> read_log(const std::string& path, const Decoder& decoder) {
  if (path == "-") {
    const auto text = standard_input();
    if (!text) return text.error();
    return decode_bytes(text.value(), decoder);
  }
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  return decode_bytes(file.value().text(), decoder);
}

Result<CheckedModel> check_model(const DecodeArguments& arguments) {
  const auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return session.error();
  const auto loaded = load_graph(arguments.model, arguments.allowed_folders);
  if (!loaded) return loaded.error();
  const Graph& graph = loaded.value().graph;
  const auto target = session.value()->target_for(graph.frontend);
  if (!target) return target.error();
  auto checked = session.value()->check(graph);
  if (!checked) return checked.error();

  CheckedModel model;
  model.path = arguments.model;
  model.target = fmt::format("{} {} ({}), SDK {}, pipeline {}", target.value().backend.name, target.value().soc.name,
                             target.value().arch_text(), target.value().sdk.text(), target.value().pipeline.name);
  model.verdict = checked->verdict;
  std::unordered_map<std::string, size_t> places;
  for (const NodeResult& result : checked->nodes) {
    places.emplace(graph.name(result.node), model.nodes.size());
    model.nodes.push_back({std::string(graph.name(result.node)),
                           std::string(graph.text(graph.node(result.node).op)),
                           std::string(checked->backend_op(result)),
                           result.verdict,
                           {}});
  }
  for (Finding& finding : checked->findings)
    if (const auto it = places.find(finding.node); it != places.end())
      model.nodes[it->second].findings.push_back(std::move(finding));
  return model;
}

}  // namespace

int run_decode(const DecodeArguments& arguments, const Terminal& terminal) {
  const auto decoder = Decoder::create();
  if (!decoder) return fail(decoder.error());
  DecodeReport report;
  report.tool_version = kVersion;
  report.path = arguments.line.empty() ? arguments.log : "--line";
  if (!arguments.line.empty()) {
    report.log = decoder.value()->decode(arguments.line);
  } else {
    auto log = read_log(arguments.log, *decoder.value());
    if (!log) return fail(log.error());
    report.log = std::move(*log);
  }

  CheckedModel model;
  std::unique_ptr<ModelIndex> index;
  if (!arguments.model.empty()) {
    auto checked = check_model(arguments);
    if (!checked) return fail(checked.error());
    model = std::move(checked).value();
    auto indexed = ModelIndex::create(model);
    if (!indexed) return fail(indexed.error());
    index = std::move(indexed).value();
    report.model = index.get();
  }
  const std::string text =
      arguments.format == "json" ? render_json(report) : render_text(report, {terminal.colour, terminal.width});
  if (const int code = deliver(text, ""); code != 0) return code;
  return report.log.messages.empty() ? 1 : 0;
}

}  // namespace snapgauge::cli
