// What users get without options: the tables as shipped, HTP on SM8750.
#pragma once

#include <benchmark/benchmark.h>

#include <memory>

#include "api/session.h"

namespace snapgauge::bench {

inline constexpr const char* kDatabase = SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db";
inline constexpr const char* kProgram = SNAPGAUGE_BINARY_DIR "/bin/snapgauge";

/// Null when it cannot be opened; the benchmark then ends with the reason.
inline std::unique_ptr<Session> open_session(benchmark::State& state) {
  auto session = Session::open({kDatabase, {}}, {});
  if (session) return std::move(*session);
  state.SkipWithError(session.error().message().c_str());
  return nullptr;
}

}  // namespace snapgauge::bench
