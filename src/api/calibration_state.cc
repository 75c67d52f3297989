#include "api/calibration_state.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace snapgauge {
namespace {

using StateJson = nlohmann::json;

constexpr const char* kStateFormat = "snapgauge-calibration/1";

StateJson bins_of(const LogHistogram& histogram) {
  StateJson out = StateJson::array();
  for (size_t i = 0; i < histogram.counts.size(); ++i)
    if (histogram.counts[i] > 0) out.push_back({i, histogram.counts[i]});
  return out;
}

void restore(const StateJson& from, GroupObservation& to) {
  ActivationObserver::State state;
  to.seen = from.at("seen").get<bool>();
  state.samples = from.at("samples").get<uint64_t>();
  state.masked = from.at("masked").get<bool>();
  if (from.contains("range")) state.range = {from["range"].at(0).get<float>(), from["range"].at(1).get<float>()};
  if (from.contains("row_floor")) state.row_floor = from["row_floor"].get<float>();
  for (const StateJson& bin : from.at("bins")) {
    state.histogram.counts.resize(LogHistogram::kBins);
    state.histogram.counts.at(bin.at(0).get<size_t>()) = bin.at(1).get<uint64_t>();
  }
  to.observer.restore(std::move(state));
}

}  // namespace

std::string calibration_state(const Calibration& calibration, uint64_t identity) {
  StateJson groups = StateJson::array();
  for (const GroupObservation& g : calibration.groups) {
    const ActivationObserver::State& s = g.observer.state();
    groups.push_back({{"seen", g.seen}, {"samples", s.samples}, {"masked", s.masked}, {"bins", bins_of(s.histogram)}});
    if (std::isfinite(s.row_floor)) groups.back()["row_floor"] = s.row_floor;
    if (!s.range.empty()) groups.back()["range"] = {s.range.least, s.range.largest};
  }
  const StateJson all{
      {"format", kStateFormat}, {"identity", identity}, {"samples", calibration.samples}, {"groups", groups}};
  return all.dump() + '\n';
}

Status read_calibration_state(std::string_view text, const std::string& path, uint64_t identity, size_t samples,
                              Calibration& out) {
  const Error other{ErrorCode::kUsage, path, "is the state of another calibration; remove it, or name another file"};
  try {
    const StateJson state = StateJson::parse(text);
    if (state.at("format") != kStateFormat || state.at("identity") != identity) return other;
    const StateJson& groups = state.at("groups");
    out.samples = state.at("samples").get<size_t>();
    if (groups.size() != out.groups.size() || out.samples > samples) return other;
    for (size_t g = 0; g < groups.size(); ++g) restore(groups[g], out.groups[g]);
  } catch (const std::exception&) {
    return Error{ErrorCode::kParse, path, "is no state of a calibration, or a broken one"};
  }
  return Done{};
}

}  // namespace snapgauge
