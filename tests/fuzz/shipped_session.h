// The shipped tables, opened once in a fuzz target.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/session.h"

namespace snapgauge {

/// `selected`: prefixes of rules to run although they are off by default.
inline Session& shipped_session(std::vector<std::string> selected = {}) {
  static const std::unique_ptr<Session> opened = [&] {
    auto result = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", {}}, {});
    if (!result.ok()) std::abort();
    result.value()->set_selected(std::move(selected));
    return std::move(result).value();
  }();
  return *opened;
}

}  // namespace snapgauge
