// Any bytes that some reader takes for a graph: it is refused with a reason, or runs within its own memory and gives
// the same bytes twice. Graphs may say anything about shapes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/runner.h"
#include "shipped_session.h"
#include "small_plan.h"

using namespace snapgauge;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = read_graph({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!graph) return 0;
  auto gate = shipped_session().report(graph.value(), "fuzz");
  if (!gate) return 0;
  const auto model = prepare(shipped_session(), graph.value(), std::move(*gate), nullptr);
  if (!model || model.value().plan == nullptr || !is_small(model.value().plan->plan())) return 0;
  const std::vector<NamedTensor> inputs = random_inputs(model.value().plan->plan(), 1);
  const auto first = execute(model.value(), inputs), second = execute(model.value(), inputs);
  if (first.ok() != second.ok()) std::abort();
  for (size_t i = 0; first && i < first.value().size(); ++i)
    if (first.value()[i].data != second.value()[i].data) std::abort();
  return 0;
}
