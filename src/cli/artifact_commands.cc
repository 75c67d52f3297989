// inspect, sign, verify: what an artifact holds, and whose it is.
#include <fmt/format.h>

#include "api/lowering.h"
#include "base/guard.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/lower_output.h"
#include "report/formats.h"

namespace snapgauge::cli {
namespace {

Result<std::string> inspected(const ArtifactArguments& arguments) {
  const auto read = open_artifact(arguments.path, arguments.key);
  if (!read) return read.error();
  const auto& graphs = read.value().artifact.graphs;
  if (arguments.part.empty())
    return arguments.format == "json" ? dumped(Json{{"schema", "snapgauge-artifact/1"},
                                                    {"path", arguments.path},
                                                    {"artifact", artifact_json(read.value())}}) +
                                            "\n"
                                      : artifact_text(read.value(), arguments.path);
  std::string out;
  for (const ArtifactGraph& g : graphs) {
    if (graphs.size() > 1) out += fmt::format("graph {}\n", printable(g.name));
    out += arguments.part == "plan" ? to_text(g.plan) : g.backend_graph;
  }
  return out;
}

Result<std::string> signed_by(const ArtifactArguments& arguments) {
  if (!arguments.new_key.empty()) {
    const auto keys = generate_keys();
    if (!keys) return keys.error();
    if (auto written = write_key_files(arguments.new_key, keys.value()); !written) return written.error();
    return fmt::format("key {} in {}.key, which is secret, and {}.pub\n", fingerprint(keys.value().public_key),
                       printable(arguments.new_key), printable(arguments.new_key));
  }
  const auto key = read_secret_key(arguments.key);
  if (!key) return key.error();
  if (auto done = sign_artifact(arguments.path, key.value(), arguments.output); !done) return done.error();
  return fmt::format("{}: signed by {}\n", printable(arguments.output.empty() ? arguments.path : arguments.output),
                     fingerprint(key.value().public_key()));
}

Result<std::string> verified(const ArtifactArguments& arguments) {
  const auto key = read_public_key(arguments.key);
  if (!key) return key.error();
  const auto read = read_artifact(arguments.path, &key.value());
  if (!read) return read.error();
  return fmt::format("{}: whole, and signed by {}\n", printable(arguments.path), fingerprint(key.value()));
}

template <class Work>
int told(const std::string& subject, Work work) {
  const auto text = guarded(subject, work);
  return text.ok() ? deliver(text.value(), "") : fail(text.error());
}

}  // namespace

int run_inspect(const ArtifactArguments& arguments) {
  return told(arguments.path, [&] { return inspected(arguments); });
}
int run_sign(const ArtifactArguments& arguments) {
  return told(arguments.path, [&] { return signed_by(arguments); });
}
int run_verify(const ArtifactArguments& arguments) {
  return told(arguments.path, [&] { return verified(arguments); });
}

}  // namespace snapgauge::cli
