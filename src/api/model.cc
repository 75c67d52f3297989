// include/snapgauge/run.h over the runner.
#include <fmt/format.h>

#include <algorithm>

#include "api/runner.h"
#include "base/guard.h"
#include "base/text.h"
#include "snapgauge/run.h"

namespace snapgauge {
namespace {

RunTensor described(const Buffer& b, const std::string& name) {
  const std::string text = tensor_text(b.dtype, {});
  return {name, text.substr(0, text.find(' ')), b.dims, b.bytes()};
}

void tell(std::string* error, const std::string& what) {
  if (error != nullptr) *error = what;
}

std::string refusal(const FileReport& gate) {
  size_t errors = 0;
  const Finding* first = nullptr;
  for (const Finding& f : gate.findings) {
    if (f.level != Level::kError) continue;
    if (errors++ == 0) first = &f;
  }
  std::string text = gate.path + ": the gate refuses it";
  if (first != nullptr) text += fmt::format(" ({} errors; the first: {})", errors, printable(first->message));
  return text;
}

}  // namespace

struct Model::Impl {
  RunnableModel model;
  std::vector<RunTensor> inputs, outputs;
};

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;
const std::vector<RunTensor>& Model::inputs() const { return impl_->inputs; }
const std::vector<RunTensor>& Model::outputs() const { return impl_->outputs; }
uint64_t Model::working_bytes() const {
  return impl_->model.plan->plan().arena_bytes + impl_->model.plan->scratch_bytes();
}

std::unique_ptr<const Model> Model::load(const std::string& path, const CheckTarget& target, const TableSource& tables,
                                         std::string* error, const std::vector<std::string>& allowed_folders) {
  auto loaded = guarded(path, [&]() -> Result<std::unique_ptr<const Model>> {
    auto session =
        Session::open({tables.database, tables.directory}, {target.backend, target.soc, target.sdk, target.pipeline});
    if (!session) return session.error();
    auto model = load_runnable(**session, path, allowed_folders);
    if (!model) return model.error();
    auto impl = std::make_unique<Impl>();
    impl->model = std::move(*model);
    if (impl->model.plan != nullptr) {
      const Plan& plan = impl->model.plan->plan();
      for (const BufferId id : plan.inputs) impl->inputs.push_back(described(plan.buffer(id), plan.buffer(id).name));
      for (size_t i = 0; i < plan.outputs.size(); ++i)
        impl->outputs.push_back(described(plan.buffer(plan.outputs[i]), plan.output_names[i]));
    }
    return std::unique_ptr<const Model>(new Model(std::move(impl)));
  });
  if (loaded && (*loaded)->impl_->model.plan != nullptr) return std::move(*loaded);
  (void)guarded(path, [&]() -> Status {
    tell(error, loaded ? refusal((*loaded)->impl_->model.gate) : loaded.error().message());
    return Done{};
  });
  return nullptr;
}

bool Model::run(std::span<const std::span<const std::byte>> inputs, std::span<const std::span<std::byte>> outputs,
                std::string* error) const {
  const auto fit = [&](const auto& given, const std::vector<RunTensor>& wanted, const char* what) -> Status {
    const auto wrong = [&](std::string text) { return Error{ErrorCode::kUsage, impl_->model.path, std::move(text)}; };
    if (given.size() != wanted.size())
      return wrong(fmt::format("{} {}s where the model has {}", given.size(), what, wanted.size()));
    for (size_t i = 0; i < wanted.size(); ++i)
      if (given[i].size() != wanted[i].bytes)
        return wrong(fmt::format("{} bytes for the {} '{}', which has {}", given[i].size(), what,
                                 printable(wanted[i].name), wanted[i].bytes));
    return Done{};
  };
  const auto done = guarded(impl_->model.path, [&]() -> Status {
    if (auto in = fit(inputs, impl_->inputs, "input"); !in) return in.error();
    if (auto out = fit(outputs, impl_->outputs, "output"); !out) return out.error();
    auto run = PlanRun::make(impl_->model.plan);
    if (!run) return Error{run.error().code, impl_->model.path, run.error().text};
    const Plan& plan = impl_->model.plan->plan();
    for (size_t i = 0; i < inputs.size(); ++i)
      std::copy(inputs[i].begin(), inputs[i].end(), run->bytes(plan.inputs[i]).begin());
    run->run();
    for (size_t i = 0; i < outputs.size(); ++i) {
      const auto made = run->bytes(plan.outputs[i]);
      std::copy(made.begin(), made.end(), outputs[i].begin());
    }
    return Done{};
  });
  if (!done)
    (void)guarded(impl_->model.path, [&]() -> Status {
      tell(error, done.error().message());
      return Done{};
    });
  return done.ok();
}

}  // namespace snapgauge
