// Backends as their own libraries have them: a device is opened, a context on it takes the graphs of an artifact, a
// graph is finalized with the options that hold then, and executed. docs/backends/ says what of it is emulated.
//
//   Device   open ---------------------------------------> closed, when no context is left
//   Context  open ---------------------------------------> closed, with its last graph
//   Graph    retrieved --finalize()--> ready --set()--> retrieved
//                      \--finalize()--> failed --set() or finalize()--> ...
//
// What is called in another state is one error and changes nothing; a failure leaves nothing half done behind, so that
// it can be tried again. Objects keep what they stand on alive. Devices, contexts and different graphs may be used by
// different threads at once; one graph is executed by one thread at a time, a second one gets an error.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "options/options.h"
#include "runtime/runtime.h"

namespace snapgauge {

/// What executes a plan: the host's kernels, or a library of a vendor. docs/notes/009 has the calls that one would get.
class DeviceLibrary {
 public:
  virtual ~DeviceLibrary() = default;
  virtual std::string_view name() const = 0;
  /// Everything that takes time once. Errors name what it cannot execute.
  virtual Result<std::shared_ptr<const LoadedPlan>> prepare(const Plan& plan, const OptionSet& options) = 0;
};
/// The kernels of this library. Thread safe.
DeviceLibrary& host_library();

/// kUsage: a mask that names cores which the backend does not have.
Status check_cores(const OptionSet& options);

struct DeviceSpec {
  OptionBackend backend = OptionBackend::kHtp;
  std::string soc;
};

class Context;

class Device : public std::enable_shared_from_this<Device> {
 public:
  /// `library` outlives it.
  static std::shared_ptr<Device> open(DeviceLibrary& library, DeviceSpec spec);
  /// kUsage while a context is open, and when it is closed already.
  Status close();
  bool is_open() const;
  const DeviceSpec& spec() const { return spec_; }

 private:
  friend class Context;
  friend class DeviceGraph;
  Device(DeviceLibrary& library, DeviceSpec spec) : library_(library), spec_(std::move(spec)) {}
  DeviceLibrary& library_;
  const DeviceSpec spec_;
  mutable std::mutex lock_;  // of what follows
  bool open_ = true;
  int contexts_ = 0;
};

/// One graph of a context.
class DeviceGraph {
 public:
  enum class State : uint8_t { kRetrieved, kReady, kFailed };
  DeviceGraph(std::shared_ptr<Context> context, std::string name, Plan plan, OptionSet options);

  const std::string& name() const { return name_; }
  State state() const;
  /// Of the run; a batch is taken whole or not at all. The graph is finalized again afterwards.
  Status set(std::span<const OptionText> options);
  Status unset(std::span<const std::string> keys);
  OptionSet options() const;

  struct Finalized {
    std::vector<std::string> warnings;  // about the options
  };
  /// `throughput`: multiplications per second at the base clock, of a sourced row or the user's; nothing: not known.
  /// A backend in real time refuses a budget that it cannot keep, and warns where that cannot be told.
  Result<Finalized> finalize(std::optional<double> throughput = std::nullopt);
  /// kUsage unless it is ready, or while another thread executes it. Inputs and outputs in the plan's order.
  Status execute(std::span<const std::span<const std::byte>> inputs, std::span<const std::span<std::byte>> outputs);
  /// Null unless it is ready.
  std::shared_ptr<const LoadedPlan> loaded() const;

 private:
  Status check_budget(std::optional<double> throughput, std::vector<std::string>& warnings) const;
  Result<Finalized> finalize_locked(std::optional<double> throughput);
  Status changed(Status done);

  const std::shared_ptr<Context> context_;
  const std::string name_;
  const Plan plan_;
  mutable std::mutex lock_;  // of what follows
  OptionSet options_;
  State state_ = State::kRetrieved;
  std::shared_ptr<const LoadedPlan> loaded_;
  std::optional<PlanRun> run_;
  std::string failure_;
};

struct ContextGraph {
  std::string name;
  Plan plan;
};

class Context : public std::enable_shared_from_this<Context> {
 public:
  /// kUsage on a closed device, for two graphs of one name, and for more graphs than the backend takes in a context.
  static Result<std::shared_ptr<Context>> create(const std::shared_ptr<Device>& device,
                                                 std::vector<ContextGraph> graphs, const OptionSet& options);
  ~Context();
  /// kUsage where there is none of that name, naming those there are, or it was retrieved already.
  Result<std::shared_ptr<DeviceGraph>> graph(const std::string& name);

 private:
  friend class DeviceGraph;
  Context(std::shared_ptr<Device> device, OptionSet options)
      : device_(std::move(device)), options_(std::move(options)) {}
  const std::shared_ptr<Device> device_;
  const OptionSet options_;
  std::mutex lock_;
  std::vector<ContextGraph> graphs_;
  std::vector<bool> retrieved_;
};

/// When and where a graph runs: of LPAI the budget of a frame, the clock, who waits for it, and the cores. A line each.
std::string schedule_text(const OptionSet& options);

}  // namespace snapgauge
