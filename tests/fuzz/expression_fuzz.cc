// Any text as an expression of the op-info tables, or, when it starts with a brace, as a condition:
// compiled and evaluated on a real view of a Conv2d, without effect but a value.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/session.h"
#include "backend/translate.h"
#include "evaluate/evaluate.h"
#include "fuzz/grow.h"
#include "graph/builder.h"
#include "graph/sharing.h"

namespace {

using namespace snapgauge;

Graph one_convolution() {
  GraphBuilder builder("fuzz", Frontend::kTorch);
  const std::vector<int64_t> image{1, 8, 16, 16}, kernel{8, 8, 3, 3}, pair{1, 1};
  builder.begin_node(NodeKind::kInput, "x", "x");
  builder.add_output("x", DType::kFloat32, image);
  builder.begin_node(NodeKind::kConstant, "w", "w");
  builder.add_output("w", DType::kFloat32, kernel);
  builder.begin_node(NodeKind::kCall, "conv", "aten.conv2d.default");
  builder.add_arg(builder.make_use("x"));
  builder.add_arg(builder.make_use("w"));
  builder.add_arg({});
  for (int i = 0; i < 2; ++i) {  // stride and padding
    const std::vector<Arg> list{GraphBuilder::make_int(pair[0]), GraphBuilder::make_int(pair[1])};
    builder.add_arg(builder.make_list(list));
  }
  builder.add_output("conv", DType::kFloat32, image);
  return builder.finish();
}

struct Fixture {
  std::unique_ptr<Session> session;
  Target target;
  Graph graph = one_convolution();
  Sharing sharing{graph};
  std::vector<Staticness> constants = staticness(graph);
  std::unique_ptr<OpMaps> maps;
  OpGraph ops;

  Fixture() {
    auto opened = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", {}}, {});
    if (!opened.ok()) std::abort();
    session = std::move(opened).value();
    auto resolved = session->target_for(Frontend::kTorch);
    if (!resolved.ok()) std::abort();
    target = std::move(resolved).value();
    maps = std::make_unique<OpMaps>(session->database(), Frontend::kTorch);
    auto translated = translate(graph, sharing, constants, *maps, target);
    if (!translated.ok() || translated->ops.size() != 1 || translated->classes[0].mapped != Mapped::kOp) std::abort();
    ops = std::move(translated).value();
  }
};

}  // namespace

namespace {

constexpr std::string_view kWords[] = {"dim(in[0],1)",
                                       "rank(out[0])",
                                       "size(in[1..m])",
                                       "count(in[0..m])",
                                       "present(in[2])",
                                       "sum(i,in[i])",
                                       "prod(i,i)",
                                       "min(1,2)",
                                       "max(1,2)",
                                       "if(1,2,3)",
                                       "floor(1/2)",
                                       "+",
                                       "-",
                                       "*",
                                       "/",
                                       "%",
                                       "1e308",
                                       "in[i+5]",
                                       "axes[0]",
                                       "group",
                                       "{\"args\":{\"0\":{\"min\":4}}}",
                                       "{\"relations\":[[\"1\",\"==\",\"1\"]]}"};
constexpr snapgauge::fuzz::Bracket kBrackets[] = {{"(", ")"}, {"-", ""}, {"sum(i,", ")"}, {"1+", ""}, {"in[", "]"}};

}  // namespace

SNAPGAUGE_GROWS(kWords, kBrackets)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Fixture fixture;
  static const OpView view(fixture.ops, fixture.ops.ops[0]);
  const EvalContext context{view, fixture.target};
  const Subject self{PortRef::Side::kIn, 0, {}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string missing;
  if (!text.empty() && text.front() == '{') {
    const auto condition = compile_condition(std::string(text), "fuzz");
    if (condition.ok()) (void)evaluate(condition.value(), context, &self, &missing);
    return 0;
  }
  const auto expression = parse_expression(text);
  if (!expression || !expression->valid()) return 0;
  // A value, or the reason why there is none.
  if (!evaluate(*expression, context, &self, &missing) && missing.empty()) std::abort();
  return 0;
}
