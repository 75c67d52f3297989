// What keeps a text from being JSON, and where.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace snapgauge {

struct JsonFault {
  ErrorCode code = ErrorCode::kParse;
  std::string text;
  uint32_t offset = 0;
};

/// Of `text` that is refused: the first fault. Behind it stands the padding that simdjson asks for.
JsonFault json_fault(std::string_view text, uint32_t max_depth);

}  // namespace snapgauge
