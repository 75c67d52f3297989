// `run`: a model's outputs on the host.
#include <fmt/format.h>

#include <filesystem>

#include "api/runner.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/commands.h"
#include "report/formats.h"

namespace snapgauge::cli {
namespace {

/// What the gate says, as `check` would.
int refuse(RunnableModel model, const Terminal& terminal) {
  Report report;
  report.files.push_back(std::move(model.gate));
  TextOptions options;
  options.colour = terminal.colour;
  options.width = terminal.width;
  const int code = deliver(render_text(report, options), "");
  return code != 0 ? code : 1;
}

/// A name as a file's: nothing leads out of the folder.
std::string file_name(std::string name) {
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == '/' || c == '\\' || c == ':') c = '_';
  if (name.empty() || name[0] == '.') name.insert(0, "_");
  return name + ".npy";
}

Status write_outputs(const std::vector<NamedTensor>& outputs, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{ErrorCode::kIo, folder, "cannot make the folder: " + error.message()};
  std::set<std::string> used;
  for (const NamedTensor& t : outputs) {
    std::string name = file_name(t.name);
    while (!used.insert(name).second) name.insert(0, "_");
    const auto path = (std::filesystem::path(folder) / name).native();
    if (auto written = write_file(path, npy_text(t.dtype, t.dims, t.bytes())); !written) return written.error();
  }
  return Done{};
}

std::string comparison_text(const std::vector<OutputComparison>& all) {
  std::string out = fmt::format("{:<24} {:>10} {:>10} {:>12} {:>10}  {}\n", "output", "elements", "differing",
                                "largest", "rms steps", "bound");
  for (const OutputComparison& c : all)
    out += fmt::format("{:<24} {:>10} {:>10} {:>12.6g} {:>10.4g}  {}: {}\n", printable(c.name), c.elements, c.differing,
                       c.largest, c.rms_steps, c.bound, c.within ? "within" : "NOT WITHIN");
  return out;
}

std::string outputs_text(const std::vector<NamedTensor>& outputs, const std::string& folder) {
  std::string out;
  for (const NamedTensor& t : outputs)
    out += fmt::format("{} {}{}\n", printable(t.name), tensor_text(t.dtype, t.dims),
                       folder.empty() ? "" : " -> " + printable(folder + "/" + file_name(t.name)));
  return out;
}

int run_model(const RunArguments& arguments, const RunnableModel& model) {
  const Plan& plan = model.plan->plan();
  if (arguments.show_plan) return deliver(to_text(plan), "");
  if (!arguments.golden.empty()) {
    const auto compared = compare(model, arguments.golden);
    if (!compared) return fail(compared.error());
    const bool within =
        std::all_of(compared.value().begin(), compared.value().end(), [](const auto& c) { return c.within; });
    const int code = deliver(comparison_text(compared.value()), "");
    return code != 0 ? code : within ? 0 : 1;
  }
  auto inputs = arguments.seed ? Result<std::vector<NamedTensor>>(random_inputs(plan, *arguments.seed))
                               : read_inputs(plan, arguments.inputs);
  if (!inputs) return fail(inputs.error());
  const auto outputs = execute(model, inputs.value());
  if (!outputs) return fail(outputs.error());
  if (!arguments.output_dir.empty())
    if (auto written = write_outputs(outputs.value(), arguments.output_dir); !written) return fail(written.error());
  return deliver(outputs_text(outputs.value(), arguments.output_dir), "");
}

}  // namespace

int run_run(const RunArguments& arguments, const Terminal& terminal) {
  auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return fail(session.error());
  auto model = load_runnable(**session, arguments.model, arguments.allowed_folders);
  if (!model) return fail(model.error());
  if (model->plan == nullptr) return refuse(std::move(*model), terminal);
  return run_model(arguments, *model);
}

}  // namespace snapgauge::cli
