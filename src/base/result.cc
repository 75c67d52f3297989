#include "base/result.h"

#include <fmt/format.h>

namespace snapgauge {

std::string Error::message() const {
  if (subject.empty()) return text;
  if (line == 0) return fmt::format("{}: {}", subject, text);
  return fmt::format("{}:{}:{}: {}", subject, line, column, text);
}

}  // namespace snapgauge
