// A decoded log for people and for programs. The JSON object is described in docs/decode.md.
#pragma once

#include <string>

#include "decode/decoder.h"
#include "decode/model.h"

namespace snapgauge {

struct DecodeReport {
  std::string tool_version;
  std::string path;  // of the log; "-" for standard input
  DecodedLog log;
  const ModelIndex* model = nullptr;  // null: no model was given
};

struct DecodeTextOptions {
  bool colour = false;
  int width = 100;
};

std::string render_text(const DecodeReport& report, const DecodeTextOptions& options);
std::string render_json(const DecodeReport& report);

}  // namespace snapgauge
