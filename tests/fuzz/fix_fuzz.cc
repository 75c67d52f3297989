// Any bytes that some reader takes for a graph: fixing ends, its result can be read again and has no more
// findings than before, and fixing that changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/fixer.h"
#include "shipped_session.h"

namespace {

using namespace snapgauge;

Session& session() { return shipped_session(); }

FixResult fixed(const std::string& bytes) {
  FixOptions options;
  options.unsafe = true;
  options.judge = [](const Graph& graph) { return session().report(graph, "fuzz"); };
  auto result = fix(bytes, "fuzz", options);
  if (!result.ok()) std::abort();
  return std::move(result).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto graph = read_graph(bytes, "fuzz");
  if (!graph.ok()) return 0;
  const auto before = session().report(graph.value(), "fuzz");
  if (!before.ok()) std::abort();
  const FixResult once = fixed(bytes);
  if (once.left.findings.size() > before.value().findings.size()) std::abort();
  if (once.fixed.empty() != (once.bytes == bytes)) std::abort();
  if (fixed(once.bytes).bytes != once.bytes) std::abort();
  return 0;
}
