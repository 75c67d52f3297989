// Any bytes as an artifact, and any bytes as the structure of one whose hashes are right: refused with a reason, or the
// plan runs within its own memory.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "api/runner.h"
#include "artifact/file_format.h"
#include "base/content_hash.h"
#include "plan/estimate.h"
#include "small_plan.h"

namespace {

using namespace snapgauge;

/// Around a structure, with weights that have all kinds of bytes.
std::string artifact_of(std::string_view structure) {
  constexpr size_t kWeights = 1 << 14;
  std::string weights(kWeights, '\0');
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<char>(i * 37 + (i >> 8U));
  const ArtifactHeader header = header_for(structure, weights.size(), content_hash(weights));
  std::string out(bytes_of(header));
  out.resize(kHeaderBytes);
  out += structure;
  out.resize(header.weights_offset);
  return out + weights;
}

void read_and_run(std::string_view bytes) {
  // As a file has them: at a place of their own, where a sanitizer sees what is read beyond.
  const auto held = std::make_shared<const std::vector<char>>(bytes.begin(), bytes.end());
  auto read = parse_artifact({held->data(), held->size()}, held, "fuzz");
  if (!read) return;
  for (const ArtifactGraph& graph : read.value().artifact.graphs) {
    (void)to_text(graph.plan);
    for (const PlanPart& part : graph.plan.parts) (void)cost_of(graph.plan, part);
    if (!is_small(graph.plan)) return;
  }
  const std::string first = read.value().artifact.graphs.front().name;
  const auto model = load_from_artifact(std::move(*read), "fuzz", {first, {}, {}});
  if (!model || !is_small(model.value().plan->plan())) return;
  (void)execute(model.value(), random_inputs(model.value().plan->plan(), 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_and_run(bytes);
  read_and_run(artifact_of(bytes));
  return 0;
}
