// Devices, contexts and their graphs: who may be many, who keeps whom alive, and what several threads may do at once.
// device_test.cc has the list of what a predecessor got wrong here.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "unit/device_plans.h"

namespace snapgauge {
namespace {

using namespace device_test;
using State = DeviceGraph::State;
using testing::HasSubstr;

std::vector<ContextGraph> graphs_of(const std::vector<std::string>& names) {
  std::vector<ContextGraph> out;
  for (const std::string& name : names) out.push_back({name, product_plan(static_cast<float>(out.size() + 1))});
  return out;
}

std::shared_ptr<Device> open(OptionBackend backend = OptionBackend::kHtp) {
  return Device::open(host_library(), {backend, "SM8850"});
}

Result<std::shared_ptr<Context>> create(const std::shared_ptr<Device>& device, const std::vector<std::string>& names) {
  return Context::create(device, graphs_of(names), OptionSet(device->spec().backend));
}

// ---- Devices ----

TEST(Devices, CloseOnceAndWhenNoContextIsLeft) {
  const auto device = open();
  ASSERT_TRUE(device->is_open());
  auto first = create(device, {"a"}), second = create(device, {"a"});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(error_of(device->close()), "device: 2 of its contexts are open");
  first.value().reset();
  EXPECT_EQ(error_of(device->close()), "device: 1 of its contexts are open");
  EXPECT_TRUE(device->is_open());
  ASSERT_TRUE(create(device, {"b"})) << "a refused close changes nothing";
  second.value().reset();
  EXPECT_EQ(error_of(device->close()), "");
  EXPECT_FALSE(device->is_open());
  EXPECT_EQ(error_of(device->close()), "device: is closed already");
  EXPECT_EQ(error_text(create(device, {"a"})), "device: is closed");
}

TEST(Devices, AGraphKeepsItsContextOpen) {
  const auto device = open();
  std::shared_ptr<DeviceGraph> graph;
  {
    const auto context = create(device, {"a"});
    ASSERT_TRUE(context);
    graph = *context.value()->graph("a");
  }
  EXPECT_EQ(error_of(device->close()), "device: 1 of its contexts are open");
  ASSERT_TRUE(graph->finalize());
  expect_works(*graph, 1);
  graph.reset();
  EXPECT_EQ(error_of(device->close()), "");
}

TEST(Devices, OfOneBackendHaveTheirOwnSocAndOptions) {
  FailingLibrary library(1);
  const OneGraph one = one_graph(OptionBackend::kLpai), other = one_graph(OptionBackend::kLpai, library);
  const auto third = Device::open(host_library(), {OptionBackend::kLpai, "SAR2230P"});
  EXPECT_EQ(one.device->spec().soc, "SM8850");
  EXPECT_EQ(third->spec().soc, "SAR2230P");
  ASSERT_TRUE(set_fps(*one.graph, "30"));
  EXPECT_EQ(one.graph->options().integer(OptionId::kLpaiFps), 30);
  EXPECT_EQ(other.graph->options().integer(OptionId::kLpaiFps), 1);
  EXPECT_FALSE(other.graph->finalize()) << "its own library's failure";
  ASSERT_TRUE(one.graph->finalize());
  expect_works(*one.graph, 2);
  EXPECT_EQ(error_of(third->close()), "");
  EXPECT_TRUE(one.device->is_open());
}

// ---- Contexts ----

TEST(Contexts, WrongOnesAreRefusedAndNotCounted) {
  const auto device = open();
  EXPECT_EQ(error_text(create(device, {})), "context: has no graph");
  EXPECT_EQ(error_text(create(device, {"a", "b", "a"})), "context: has two graphs 'a'");
  EXPECT_EQ(error_text(Context::create(device, graphs_of({"a"}), OptionSet(OptionBackend::kLpai))),
            "options: are those of lpai, the device is one of htp");
  const auto lpai = open(OptionBackend::kLpai);
  EXPECT_EQ(error_text(create(lpai, {"a", "b"})), "context: has 2 graphs; lpai takes 1 at a time");
  EXPECT_EQ(error_of(device->close()), "");
  EXPECT_EQ(error_of(lpai->close()), "");
}

TEST(Contexts, OfHtpTakeSeveralGraphsOfLpaiOne) {
  for (const OptionBackend backend : {OptionBackend::kHtp, OptionBackend::kGpu}) {
    const auto context = create(open(backend), {"a", "b", "c"});
    ASSERT_TRUE(context);
    std::vector<std::shared_ptr<DeviceGraph>> graphs;
    for (const char* name : {"c", "a", "b"}) graphs.push_back(*context.value()->graph(name));
    for (const auto& graph : graphs) ASSERT_TRUE(graph->finalize());
    // Memory is each one's own: in any order, and once more.
    for (int round = 0; round < 2; ++round)
      for (const size_t i : {2U, 0U, 1U}) expect_works(*graphs[i], static_cast<float>((i + 2) % 3 + 1));
  }
  const auto lpai = open(OptionBackend::kLpai);
  const auto one = create(lpai, {"a"}), another = create(lpai, {"a"});
  ASSERT_TRUE(one && another) << "but several contexts";
  for (const auto& context : {one.value(), another.value()}) {
    const auto graph = context->graph("a");
    ASSERT_TRUE(graph);
    ASSERT_TRUE(graph.value()->finalize());
    expect_works(*graph.value(), 1);
  }
}

TEST(Contexts, GraphsAreRetrievedOnceAndByTheirNames) {
  const auto context = create(open(), {"encode", "decode"});
  ASSERT_TRUE(context);
  EXPECT_EQ(error_text(context.value()->graph("forward")),
            "forward: is no graph of the context; it has encode, decode");
  EXPECT_EQ(error_text(context.value()->graph("")), "is no graph of the context; it has encode, decode");
  auto graph = context.value()->graph("decode");
  ASSERT_TRUE(graph);
  EXPECT_EQ(error_text(context.value()->graph("decode")), "decode: was retrieved already");
  graph.value().reset();
  EXPECT_EQ(error_text(context.value()->graph("decode")), "decode: was retrieved already");
  EXPECT_TRUE(context.value()->graph("encode"));
}

TEST(Contexts, GiveEveryGraphACopyOfTheirOptions) {
  OptionSet compiled(OptionBackend::kHtp);
  ASSERT_TRUE(compiled.set(OptionPhase::kCompile, {{"performance_mode", std::string("balanced")}}));
  const auto context = Context::create(open(), graphs_of({"a", "b"}), compiled);
  ASSERT_TRUE(context);
  const auto a = *context.value()->graph("a");
  ASSERT_TRUE(a->finalize());
  ASSERT_TRUE(set(*a, {{"qnn_runtime_htp_performance_mode", "burst"}}));
  const auto b = *context.value()->graph("b");
  EXPECT_EQ(b->options(), compiled);
  EXPECT_EQ(a->options().integer(OptionId::kHtpPerformanceMode), 2);
}

// ---- Lifetimes ----

TEST(Lifetimes, ObjectsKeepAliveWhatTheyStandOn) {
  OneGraph g = one_graph(OptionBackend::kHtp);
  const std::weak_ptr<Device> device = g.device;
  const std::weak_ptr<Context> context = g.context;
  g.device.reset();
  g.context.reset();
  EXPECT_FALSE(device.expired() || context.expired());
  ASSERT_TRUE(g.graph->finalize());
  expect_works(*g.graph, 2);
  const auto loaded = g.graph->loaded();
  g.graph.reset();
  EXPECT_TRUE(device.expired() && context.expired()) << "nothing goes in a circle";
  EXPECT_EQ(loaded->plan().steps.size(), 1U) << "a loaded plan stands on nothing";
}

TEST(Lifetimes, APlanIsTheGraphsOwn) {
  auto kept = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = kept;
  Plan plan = product_plan(2);
  plan.keep_alive.push_back(std::move(kept));
  OneGraph g = one_graph(std::move(plan), OptionSet(OptionBackend::kHtp));
  ASSERT_TRUE(g.graph->finalize());
  g.context.reset();
  EXPECT_FALSE(watched.expired());
  expect_works(*g.graph, 2);
  g = {};
  EXPECT_TRUE(watched.expired());
}

TEST(Lifetimes, OneOfTwoThatAreTheSameMayGoFirst) {
  OneGraph one = one_graph(OptionBackend::kHtp), other = one_graph(OptionBackend::kHtp);
  ASSERT_TRUE(one.graph->finalize());
  ASSERT_TRUE(other.graph->finalize());
  EXPECT_NE(one.graph->loaded(), other.graph->loaded());
  one = {};
  expect_works(*other.graph, 2);
}

// ---- Threads ----

/// Executes on rows of its own and compares, again and again.
void work(DeviceGraph& graph, float factor, int64_t depth, int seed, std::atomic<int>& right, std::atomic<int>& busy) {
  for (int i = 0; i < 200; ++i) {
    const Floats x = rows_of(static_cast<float>(seed + i % 7), static_cast<float>(-seed), depth);
    Floats y(kRows * kColumns);
    const Status done = execute(graph, x, y);
    if (done) {
      EXPECT_EQ(y, product_of(x, factor));
      ++right;
    } else {
      EXPECT_EQ(done.error().message(), graph.name() + ": is being executed by another thread");
      EXPECT_EQ(y, Floats(y.size())) << "nothing is written";
      ++busy;
    }
  }
}

TEST(Threads, EachWithItsGraphGetRightResults) {
  const auto device = open();
  std::vector<std::shared_ptr<DeviceGraph>> graphs;
  for (int c = 0; c < 2; ++c) {
    const auto context = create(device, {"a", "b"});
    ASSERT_TRUE(context);
    for (const char* name : {"a", "b"}) graphs.push_back(*context.value()->graph(name));
  }
  std::atomic<int> right = 0, busy = 0;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < graphs.size(); ++i)
    threads.emplace_back([&, i] {
      EXPECT_TRUE(graphs[i]->finalize());
      work(*graphs[i], static_cast<float>(i % 2 + 1), kDepth, static_cast<int>(i + 1), right, busy);
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(right, 800);
  EXPECT_EQ(busy, 0);
}

TEST(Threads, WithOneGraphGetARightResultOrTheOneError) {
  constexpr int64_t kLong = 20000;
  const OneGraph g = one_graph(product_plan(1, kRows, kLong), OptionSet(OptionBackend::kHtp));
  ASSERT_TRUE(g.graph->finalize());
  std::atomic<int> right = 0, busy = 0;
  {
    std::thread other([&] { work(*g.graph, 1, kLong, 1, right, busy); });
    work(*g.graph, 1, kLong, 2, right, busy);
    other.join();
  }
  EXPECT_EQ(right + busy, 400);
  EXPECT_GE(right, 1);
  Floats y(kRows * kColumns);
  EXPECT_EQ(error_of(execute(*g.graph, rows_of(1, 1, kLong), y)), "") << "afterwards it is free";
}

/// Stays in prepare() until it is let go.
class SlowLibrary final : public DeviceLibrary {
 public:
  std::string_view name() const override { return "slow"; }
  Result<std::shared_ptr<const LoadedPlan>> prepare(const Plan& plan, const OptionSet& options) override {
    std::unique_lock hold(lock_);
    is_in_ = true;
    changed_.notify_all();
    changed_.wait(hold, [&] { return may_go_; });
    return host_library().prepare(plan, options);
  }
  void wait_until_in() {
    std::unique_lock hold(lock_);
    changed_.wait(hold, [&] { return is_in_; });
  }
  void let_go() {
    const std::scoped_lock hold(lock_);
    may_go_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool is_in_ = false, may_go_ = false;
};

TEST(Threads, WhileOneIsInAGraphOthersGetAnErrorAndChangeNothing) {
  SlowLibrary library;
  const OneGraph g = one_graph(OptionBackend::kLpai, library);
  const OptionSet before = g.graph->options();
  std::thread other([&] { EXPECT_TRUE(g.graph->finalize()); });
  library.wait_until_in();
  Floats y(kRows * kColumns);
  const std::vector<std::string> errors{error_of(execute(*g.graph, rows_of(1, 1), y)), error_of(set_fps(*g.graph, "2")),
                                        error_of(g.graph->unset(std::vector<std::string>{"qnn_runtime_lpai_fps"})),
                                        error_text(g.graph->finalize())};
  for (const std::string& error : errors) EXPECT_THAT(error, HasSubstr("by another thread"));
  EXPECT_EQ(error_of(g.device->close()), "device: 1 of its contexts are open");
  library.let_go();
  other.join();
  EXPECT_EQ(g.graph->options(), before);
  expect_works(*g.graph, 2);
}

TEST(Threads, RetrievingAtOnceGivesAGraphToOne) {
  for (int round = 0; round < 50; ++round) {
    const auto context = create(open(), {"a"});
    ASSERT_TRUE(context);
    std::atomic<int> got = 0;
    const auto retrieve = [&] { got += context.value()->graph("a").ok() ? 1 : 0; };
    std::thread other(retrieve);
    retrieve();
    other.join();
    EXPECT_EQ(got, 1);
  }
}

TEST(Threads, NoContextIsOpenOnAClosedDevice) {
  // Many names, so that creating takes a while.
  std::vector<std::string> names;
  for (int i = 0; i < 1500; ++i) names.push_back("a name that begins as all others do " + std::to_string(i));
  for (int round = 0; round < 10; ++round) {
    const auto device = open();
    std::vector<ContextGraph> graphs;
    for (const std::string& name : names) graphs.push_back({name, {}});
    std::atomic<bool> begins = false;
    std::thread other([&] {
      while (!begins) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
      (void)device->close();
    });
    begins = true;
    const auto context = Context::create(device, std::move(graphs), OptionSet(OptionBackend::kHtp));
    other.join();
    EXPECT_EQ(context.ok(), device->is_open()) << round;
  }
}

TEST(Threads, OneOfThemClosesADevice) {
  for (int round = 0; round < 200; ++round) {
    const auto device = open();
    std::atomic<int> closed = 0;
    const auto close = [&] { closed += device->close() ? 1 : 0; };
    std::thread other(close);
    close();
    other.join();
    EXPECT_EQ(closed, 1);
  }
}

}  // namespace
}  // namespace snapgauge
